// SPDX-License-Identifier: MIT
#include "runtime/image/jpeg.h"

#include <algorithm>

namespace kintsugi::image {
namespace {

constexpr uint8_t kStartOfPicture = 0xd8;
constexpr uint8_t kEndOfPicture = 0xd9;
constexpr uint8_t kHuffmanTables = 0xc4;
constexpr size_t kLargestTable = 256;

/// Markers that stand alone: restarts, which are part of a scan's data, and the start of a picture.
bool stands_alone(uint8_t marker) {
  return marker <= 1 || (marker >= 0xd0 && marker <= kStartOfPicture);
}

}  // namespace

void for_each_segment(std::span<const std::byte> file,
                      const std::function<bool(const JpegSegment&)>& visit) {
  // Inside a scan 0xff 0x00 is data and everything else after 0xff a marker. Between segments no
  // other bytes should stand; decoders skip them, so they are skipped here. Both come to the same
  // search for the next marker.
  size_t at = 0;
  while (at + 1 < file.size()) {
    if (file[at] != std::byte{0xff}) {
      ++at;
      continue;
    }
    const auto marker = static_cast<uint8_t>(file[at + 1]);
    if (marker == 0xff) {  // fill byte
      ++at;
      continue;
    }
    at += 2;
    if (marker == kEndOfPicture) return;
    if (stands_alone(marker)) continue;
    if (at + 2 > file.size()) return;
    const size_t length = static_cast<size_t>(file[at]) << 8 | static_cast<size_t>(file[at + 1]);
    if (length < 2) return;  // no decoder goes on from here
    const size_t end = std::min(at + length, file.size());
    if (!visit({marker, file.subspan(at + 2, std::max(end, at + 2) - at - 2)})) return;
    at = end;
  }
}

bool huffman_tables_fit(std::span<const std::byte> file) {
  bool fit = true;
  for_each_segment(file, [&fit](const JpegSegment& segment) {
    if (segment.marker != kHuffmanTables) return true;
    std::span<const std::byte> rest = segment.payload;
    while (fit && !rest.empty()) {
      size_t symbols = 0;
      const size_t counts_end = std::min<size_t>(rest.size(), 17);
      for (size_t i = 1; i < counts_end; ++i) symbols += static_cast<size_t>(rest[i]);
      fit = counts_end == 17 && symbols <= kLargestTable && 17 + symbols <= rest.size();
      if (fit) rest = rest.subspan(17 + symbols);
    }
    return fit;
  });
  return fit;
}

}  // namespace kintsugi::image
