// SPDX-License-Identifier: MIT
#include "runtime/image/exif.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace kintsugi::image {
namespace {

using std::string_view_literals::operator""sv;
using Bytes = std::span<std::byte>;
using ConstBytes = std::span<const std::byte>;

constexpr int kUpright = 1;
constexpr uint32_t kOrientation = 0x0112;
constexpr uint32_t kExifDirectory = 0x8769;
constexpr uint32_t kWidth = 0xa002;
constexpr uint32_t kHeight = 0xa003;
constexpr uint32_t kShort = 3;
constexpr uint32_t kLong = 4;
constexpr int kMostThumbnails = 8;               // directories; one is usual
constexpr size_t kMostPieces = size_t{1} << 16;  // of a thumbnail; one is usual

/// Where a thumbnail lies, and the tag that says how long it is: a JPEG, strips, tiles.
struct Location {
  uint32_t offsets, lengths;
};
constexpr Location kLocations[] = {{0x0201, 0x0202}, {0x0111, 0x0117}, {0x0144, 0x0145}};

/// The numbers of one byte order.
struct Order {
  bool little = false;

  [[nodiscard]] uint32_t read(ConstBytes exif, size_t offset, size_t size) const {
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value = value << 8 | static_cast<uint32_t>(exif[offset + (little ? size - 1 - i : i)]);
    }
    return value;
  }
  void write(Bytes exif, size_t offset, size_t size, uint32_t value) const {
    for (size_t i = 0; i < size; ++i) {
      exif[offset + (little ? i : size - 1 - i)] = static_cast<std::byte>(value >> 8 * i & 0xff);
    }
  }
};

std::optional<Order> order_of(ConstBytes exif) {
  const std::string_view head(reinterpret_cast<const char*>(exif.data()),
                              std::min<size_t>(exif.size(), 4));
  if (exif.size() < 8 || (head != "II*\0"sv && head != "MM\0*"sv)) return {};
  return Order{head[0] == 'I'};
}

/// The entries of a directory that lie in the data. Twelve bytes each: tag, type, count, and the
/// value or where it is.
struct Directory {
  size_t first = 0;  // entry
  size_t entries = 0;
  bool whole = false;

  [[nodiscard]] size_t at(size_t i) const { return first + 12 * i; }
  [[nodiscard]] size_t end() const { return at(entries); }
};

std::optional<Directory> directory_at(ConstBytes exif, Order order, size_t offset) {
  if (offset < 8 || offset > exif.size() - 2) return {};
  const size_t claimed = order.read(exif, offset, 2);
  const size_t held = (exif.size() - offset - 2) / 12;
  return Directory{offset + 2, std::min(claimed, held), claimed <= held};
}

std::optional<Directory> first_directory(ConstBytes exif, Order order) {
  return directory_at(exif, order, order.read(exif, 4, 4));
}

/// Where the entry with this tag is.
std::optional<size_t> find(ConstBytes exif, Order order, const Directory& directory, uint32_t tag) {
  for (size_t i = 0; i < directory.entries; ++i) {
    if (order.read(exif, directory.at(i), 2) == tag) return directory.at(i);
  }
  return {};
}

/// Bytes of a number of this type; 0 where it is none.
size_t size_of(uint32_t type) { return type == kShort ? 2 : type == kLong ? 4 : 0; }

/// The numbers of an entry, those that lie in the data, and not more than anybody has.
std::vector<uint32_t> numbers_of(ConstBytes exif, Order order, std::optional<size_t> entry) {
  if (!entry) return {};
  const size_t size = size_of(order.read(exif, *entry + 2, 2));
  if (size == 0) return {};
  const size_t count = std::min<size_t>(order.read(exif, *entry + 4, 4), kMostPieces);
  const size_t offset = count <= 4 / size ? *entry + 8 : order.read(exif, *entry + 8, 4);
  std::vector<uint32_t> numbers;
  for (size_t at = offset; numbers.size() < count && at + size <= exif.size(); at += size) {
    numbers.push_back(order.read(exif, at, size));
  }
  return numbers;
}

/// The entry of an orientation that makes sense.
std::optional<size_t> find_orientation(ConstBytes exif, Order order) {
  const std::optional<Directory> directory = first_directory(exif, order);
  if (!directory) return {};
  const std::optional<size_t> entry = find(exif, order, *directory, kOrientation);
  if (!entry) return {};
  const size_t size = size_of(order.read(exif, *entry + 2, 2));
  if (size == 0) return {};
  const uint32_t value = order.read(exif, *entry + 8, size);
  if (value < 1 || value > 8) return {};
  return entry;
}

void say_upright(Bytes exif, Order order) {
  const std::optional<size_t> entry = find_orientation(exif, order);
  if (!entry) return;
  order.write(exif, *entry + 8, size_of(order.read(exif, *entry + 2, 2)), kUpright);
}

void say_extent(Bytes exif, Order order, const Directory& first, int64_t width, int64_t height) {
  const auto pointer = numbers_of(exif, order, find(exif, order, first, kExifDirectory));
  if (pointer.empty()) return;
  const std::optional<Directory> directory = directory_at(exif, order, pointer[0]);
  if (!directory) return;
  for (const auto& [tag, value] : {std::pair{kWidth, width}, std::pair{kHeight, height}}) {
    const std::optional<size_t> entry = find(exif, order, *directory, tag);
    const std::vector<uint32_t> stated = numbers_of(exif, order, entry);
    if (stated.size() != 1 || stated[0] == value) continue;
    order.write(exif, *entry + 2, 2, kLong);  // a SHORT may be too small
    order.write(exif, *entry + 8, 4, static_cast<uint32_t>(value));
  }
}

void blank_pictures(Bytes exif, Order order, const Directory& directory) {
  // All is read before anything is blanked, which may lie where it was read from.
  std::vector<std::pair<size_t, size_t>> pieces;
  for (const Location& location : kLocations) {
    const auto offsets = numbers_of(exif, order, find(exif, order, directory, location.offsets));
    const auto lengths = numbers_of(exif, order, find(exif, order, directory, location.lengths));
    for (size_t i = 0; i < offsets.size(); ++i) {
      const size_t begin = std::min<size_t>(offsets[i], exif.size());
      const size_t rest = exif.size() - begin;  // all of it where it does not say how long
      pieces.emplace_back(begin,
                          begin + std::min<size_t>(rest, i < lengths.size() ? lengths[i] : rest));
    }
  }
  // In order, so that no byte is blanked as often as there are pieces.
  std::ranges::sort(pieces);
  size_t done = 0;
  for (const auto& [begin, end] : pieces) {
    const size_t from = std::max(begin, done);
    if (from >= end) continue;
    std::ranges::fill(exif.subspan(from, end - from), std::byte{0});
    done = end;
  }
}

/// False where there is no end to them.
bool cut_thumbnails(Bytes exif, Order order, const Directory& first) {
  std::optional<Directory> directory = first;
  for (int i = 0; i <= kMostThumbnails; ++i) {
    const size_t link = directory->end();
    // Some writers leave the last link out.
    const bool linked = directory->whole && link + 4 <= exif.size();
    const size_t next = linked ? order.read(exif, link, 4) : 0;
    if (i > 0) blank_pictures(exif, order, *directory);
    if (next == 0) return true;
    order.write(exif, link, 4, 0);
    directory = directory_at(exif, order, next);
    if (!directory) return true;
  }
  return false;
}

/// False where the first directory is not there or not whole, or the thumbnails are without end.
bool renew(Bytes exif, int64_t width, int64_t height) {
  const std::optional<Order> order = order_of(exif);
  if (!order) return false;
  const std::optional<Directory> first = first_directory(exif, *order);
  if (!first || !first->whole) return false;
  if (!cut_thumbnails(exif, *order, *first)) return false;
  say_upright(exif, *order);
  say_extent(exif, *order, *first, width, height);
  return true;
}

}  // namespace

int orientation_of(ConstBytes exif) {
  const std::optional<Order> order = order_of(exif);
  const std::optional<size_t> entry = order ? find_orientation(exif, *order) : std::nullopt;
  if (!entry) return kUpright;
  return static_cast<int>(order->read(exif, *entry + 8, size_of(order->read(exif, *entry + 2, 2))));
}

bool renew_exif(Bytes exif, int64_t width, int64_t height) {
  if (!renew(exif, width, height)) return false;
  // Parts that lie upon each other may have become others, which were not looked at.
  std::vector<std::byte> again(exif.begin(), exif.end());
  return renew(again, width, height) && std::ranges::equal(again, exif);
}

bool says_orientation_alone(ConstBytes exif) {
  const std::optional<Order> order = order_of(exif);
  const std::optional<Directory> first = order ? first_directory(exif, *order) : std::nullopt;
  if (!first || !first->whole) return false;
  for (size_t i = 0; i < first->entries; ++i) {
    if (order->read(exif, first->at(i), 2) != kOrientation) return false;
  }
  return true;
}

}  // namespace kintsugi::image
