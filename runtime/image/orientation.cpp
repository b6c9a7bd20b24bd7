// SPDX-License-Identifier: MIT
#include "runtime/image/orientation.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "runtime/image/jpeg.h"
#include "runtime/image/png.h"
#include "runtime/image/probe.h"

namespace kintsugi::image {
namespace {

using std::string_view_literals::operator""sv;
using Bytes = std::span<const std::byte>;

constexpr int kUpright = 1;
constexpr uint32_t kOrientationTag = 0x0112;
constexpr uint32_t kShort = 3;
constexpr uint32_t kLong = 4;

bool starts_with(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin(),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

/// The orientation in a TIFF structure, which is what an EXIF block is.
int orientation_in_tiff(Bytes tiff) {
  const bool little = starts_with(tiff, "II*\0"sv);
  if (!little && !starts_with(tiff, "MM\0*"sv)) return kUpright;
  const auto number = [tiff, little](size_t offset, size_t size) {
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value = value << 8 | static_cast<uint32_t>(tiff[offset + (little ? size - 1 - i : i)]);
    }
    return value;
  };
  if (tiff.size() < 10) return kUpright;
  const size_t directory = number(4, 4);
  if (directory > tiff.size() - 2) return kUpright;
  const size_t entries = number(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.size()) return kUpright;
    if (number(entry, 2) != kOrientationTag) continue;
    const uint32_t type = number(entry + 2, 2);
    if (type != kShort && type != kLong) return kUpright;
    const uint32_t value = number(entry + 8, type == kShort ? 2 : 4);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : kUpright;
  }
  return kUpright;
}

int orientation_in_jpeg(Bytes file) {
  constexpr uint8_t kApp1 = 0xe1;
  constexpr uint8_t kStartOfScan = 0xda;
  int orientation = kUpright;
  for_each_segment(file, [&orientation](const JpegSegment& segment) {
    if (segment.marker == kStartOfScan) return false;
    if (segment.marker != kApp1 || !starts_with(segment.payload, "Exif\0\0"sv)) return true;
    orientation = orientation_in_tiff(segment.payload.subspan(6));
    return false;
  });
  return orientation;
}

int orientation_in_png(Bytes file) {
  int orientation = kUpright;
  for_each_chunk(file, [&orientation](const PngChunk& chunk) {
    if (chunk.is("eXIf") && chunk.intact) orientation = orientation_in_tiff(chunk.data);
    return true;
  });
  return orientation;
}

}  // namespace

int orientation_of(Bytes file) {
  switch (probe(file).kind) {
    case FileKind::jpeg: return orientation_in_jpeg(file);
    case FileKind::png: return orientation_in_png(file);
    default: return kUpright;
  }
}

Image turn_upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool exchanged = orientation >= 5;
  Image upright{.width = exchanged ? image.height : image.width,
                .height = exchanged ? image.width : image.height,
                .channels = image.channels,
                .pixels = std::vector<uint8_t>(image.pixels.size())};
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
      std::copy_n(image.pixels.begin() + (from.first * image.width + from.second) * image.channels,
                  image.channels,
                  upright.pixels.begin() + (y * upright.width + x) * image.channels);
    }
  }
  return upright;
}

}  // namespace kintsugi::image
