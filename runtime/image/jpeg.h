// SPDX-License-Identifier: MIT
//
// The marker segments of a JPEG file, visited in order, through all of its scans.
// It is not a decoder: entropy-coded data is stepped over.
// It owns nothing; it reads within its span whatever the file claims.
// Called by metadata, and by the codec to refuse tables that stb_image trusts too much.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace kintsugi::image {

struct JpegSegment {
  uint8_t marker = 0;                  ///< the byte after 0xff
  std::span<const std::byte> payload;  ///< without the marker and the length
};

/// Visits every segment that has a payload until the end of the picture or of the file, or until
/// `visit` returns false. A segment that reaches beyond the file is visited as far as it goes.
void for_each_segment(std::span<const std::byte> file,
                      const std::function<bool(const JpegSegment&)>& visit);

/// Whether every Huffman table has at most 256 symbols and lies within its segment, and every scan
/// finds the tables it names before it. stb_image up to 2.27 writes as many symbols as the file
/// claims into an array of 256, and decodes by a table that is not there.
[[nodiscard]] bool tables_fit(std::span<const std::byte> file);

}  // namespace kintsugi::image
