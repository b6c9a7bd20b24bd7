// SPDX-License-Identifier: MIT
#include "runtime/image/orientation.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "runtime/image/pixel.h"

namespace kintsugi::image {
namespace {

using std::string_view_literals::operator""sv;
using Bytes = std::span<const std::byte>;

constexpr int kUpright = 1;
constexpr uint32_t kOrientationTag = 0x0112;
constexpr uint32_t kShort = 3;
constexpr uint32_t kLong = 4;

/// A number that stands somewhere in EXIF.
struct Field {
  size_t offset = 0;
  size_t size = 0;
  bool little = false;

  [[nodiscard]] size_t byte(size_t i) const { return offset + (little ? size - 1 - i : i); }
  [[nodiscard]] uint32_t read(Bytes exif) const {
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint32_t>(exif[byte(i)]);
    return value;
  }
};

/// Where the first directory has an orientation that makes sense.
std::optional<Field> find_orientation(Bytes exif) {
  const std::string_view head(reinterpret_cast<const char*>(exif.data()),
                              std::min<size_t>(exif.size(), 4));
  const bool little = head == "II*\0"sv;
  if (!little && head != "MM\0*"sv) return {};
  const auto number = [exif, little](size_t offset, size_t size) {
    return Field{offset, size, little}.read(exif);
  };
  if (exif.size() < 10) return {};
  const size_t directory = number(4, 4);
  if (directory > exif.size() - 2) return {};
  const size_t entries = number(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (entry + 12 > exif.size()) return {};
    if (number(entry, 2) != kOrientationTag) continue;
    const uint32_t type = number(entry + 2, 2);
    if (type != kShort && type != kLong) return {};
    const Field field{entry + 8, type == kShort ? size_t{2} : size_t{4}, little};
    const uint32_t value = field.read(exif);
    if (value < 1 || value > 8) return {};
    return field;
  }
  return {};
}

}  // namespace

int orientation_of(Bytes exif) {
  const std::optional<Field> field = find_orientation(exif);
  return field ? static_cast<int>(field->read(exif)) : kUpright;
}

void say_upright(std::span<std::byte> exif) {
  const std::optional<Field> field = find_orientation(exif);
  if (!field) return;
  for (size_t i = 0; i < field->size; ++i) {
    exif[field->byte(i)] = static_cast<std::byte>(i + 1 == field->size ? kUpright : 0);
  }
}

Image turn_upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool exchanged = orientation >= 5;
  Image upright{.width = exchanged ? image.height : image.width,
                .height = exchanged ? image.width : image.height,
                .channels = image.channels,
                .pixels = std::vector<uint8_t>(image.pixels.size()),
                .bits = image.bits,
                .metadata = std::move(image.metadata)};
  const int64_t size = pixel_bytes(upright);
  const int64_t last_y = image.height - 1;
  const int64_t last_x = image.width - 1;
  for (int64_t y = 0; y < upright.height; ++y) {
    for (int64_t x = 0; x < upright.width; ++x) {
      std::pair<int64_t, int64_t> from;  // y, x in the file
      switch (orientation) {
        case 2: from = {y, last_x - x}; break;
        case 3: from = {last_y - y, last_x - x}; break;
        case 4: from = {last_y - y, x}; break;
        case 5: from = {x, y}; break;
        case 6: from = {last_y - x, y}; break;
        case 7: from = {last_y - x, last_x - y}; break;
        default: from = {x, last_x - y}; break;
      }
      std::copy_n(image.pixels.begin() + (from.first * image.width + from.second) * size, size,
                  upright.pixels.begin() + (y * upright.width + x) * size);
    }
  }
  return upright;
}

}  // namespace kintsugi::image
