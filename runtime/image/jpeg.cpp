// SPDX-License-Identifier: MIT
#include "runtime/image/jpeg.h"

#include <algorithm>
#include <array>

namespace kintsugi::image {
namespace {

constexpr uint8_t kStartOfPicture = 0xd8;
constexpr uint8_t kEndOfPicture = 0xd9;
constexpr uint8_t kHuffmanTables = 0xc4;
constexpr uint8_t kProgressiveFrame = 0xc2;
constexpr uint8_t kScan = 0xda;
constexpr uint8_t kQuantization = 0xdb;
constexpr size_t kLargestTable = 256;

/// Markers that stand alone: restarts, which are part of a scan's data, and the start of a picture.
bool stands_alone(uint8_t marker) {
  return marker <= 1 || (marker >= 0xd0 && marker <= kStartOfPicture);
}

/// The frames that are read: baseline, extended and progressive.
bool starts_frame(uint8_t marker) { return marker >= 0xc0 && marker <= kProgressiveFrame; }

/// What a file has defined so far, by table number. Segments that are malformed otherwise are left
/// to the decoder, which refuses them.
class Tables {
 public:
  /// False if a table does not lie within the segment.
  [[nodiscard]] bool define_huffman(std::span<const std::byte> rest) {
    while (!rest.empty()) {
      size_t symbols = 0;
      const size_t counts_end = std::min<size_t>(rest.size(), 17);
      for (size_t i = 1; i < counts_end; ++i) symbols += static_cast<size_t>(rest[i]);
      if (counts_end < 17 || symbols > kLargestTable || 17 + symbols > rest.size()) return false;
      (high(rest[0]) == 0 ? dc_ : ac_)[low(rest[0])] = true;
      rest = rest.subspan(17 + symbols);
    }
    return true;
  }

  void define_quantization(std::span<const std::byte> rest) {
    while (!rest.empty()) {
      quantization_[low(rest[0])] = true;
      rest = rest.subspan(std::min<size_t>(rest.size(), high(rest[0]) == 0 ? 65 : 129));
    }
  }

  void start_frame(const JpegSegment& segment) {
    progressive_ = segment.marker == kProgressiveFrame;
    frame_ = segment.payload;
  }

  /// False if the scan whose header this is names a table that was not defined.
  [[nodiscard]] bool serve(std::span<const std::byte> header) const {
    if (frame_.empty()) return true;  // arithmetic or lossless coding: the decoder says so
    const size_t components = header.empty() ? 0 : static_cast<size_t>(header[0]);
    if (header.size() < 4 + 2 * components) return true;
    // A progressive scan is of DC or of AC coefficients; one that refines DC reads bits, by no table.
    const bool first = header[1 + 2 * components] == std::byte{0};
    const bool refines = high(header[3 + 2 * components]) != 0;
    const bool by_dc = !progressive_ || (first && !refines);
    const bool by_ac = !progressive_ || !first;
    for (size_t i = 0; i < components; ++i) {
      const std::byte number = header[2 + 2 * i];
      if (!has_quantization(header[1 + 2 * i])) return false;
      if (by_dc && !dc_[high(number)]) return false;
      if (by_ac && !ac_[low(number)]) return false;
    }
    return true;
  }

 private:
  using Defined = std::array<bool, 16>;

  /// Of a component of the frame; one that the frame does not have is the decoder's to refuse.
  [[nodiscard]] bool has_quantization(std::byte component) const {
    for (size_t i = 6; i + 2 < frame_.size(); i += 3) {
      if (frame_[i] == component) return quantization_[low(frame_[i + 2])];
    }
    return true;
  }

  static size_t low(std::byte value) { return static_cast<size_t>(value & std::byte{15}); }
  static size_t high(std::byte value) { return static_cast<size_t>(value >> 4); }

  Defined dc_ = {};
  Defined ac_ = {};
  Defined quantization_ = {};
  std::span<const std::byte> frame_;  // the payload of its header
  bool progressive_ = false;
};

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

bool tables_fit(std::span<const std::byte> file) {
  Tables tables;
  bool fit = true;
  for_each_segment(file, [&](const JpegSegment& segment) {
    switch (segment.marker) {
      case kHuffmanTables: fit = tables.define_huffman(segment.payload); break;
      case kQuantization: tables.define_quantization(segment.payload); break;
      case kScan: fit = tables.serve(segment.payload); break;
      default:
        if (starts_frame(segment.marker)) tables.start_frame(segment);
    }
    return fit;
  });
  return fit;
}

}  // namespace kintsugi::image
