// SPDX-License-Identifier: MIT
//
// The PNG writer: 8 or 16 bits a channel, rows filtered and compressed as they come.
// It is not a decoder; of reading it knows the chunks and their checksums.
// It owns a few rows and the compressor's half megabyte; the pixels stay the caller's.
// Called by the codec.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "kintsugi/image.hpp"
#include "runtime/image/metadata.h"

namespace kintsugi::image {

[[nodiscard]] uint32_t crc32(std::span<const std::byte> bytes);

struct PngChunk {
  std::array<char, 4> type{};
  std::span<const std::byte> data;
  bool intact = false;  ///< the checksum agrees

  [[nodiscard]] bool is(const char (&name)[5]) const {
    return std::equal(type.begin(), type.end(), name);
  }
};

/// Visits the chunks in order until IEND, until the file ends, or until `visit` returns false.
/// Returns whether IEND was reached; a chunk that reaches beyond the file is not visited.
bool for_each_chunk(std::span<const std::byte> file,
                    const std::function<bool(const PngChunk&)>& visit);

/// The same for chunks without a file around them.
bool walk_chunks(std::span<const std::byte> chunks,
                 const std::function<bool(const PngChunk&)>& visit);

struct PngExtent {
  int64_t width = 0;
  int64_t height = 0;
};

/// What the header claims; empty when there is none or a side is zero.
[[nodiscard]] std::optional<PngExtent> png_extent(std::span<const std::byte> file);

void write_png(const ImageView& image, const Storable& metadata,
               const std::function<void(std::span<const std::byte>)>& sink);

}  // namespace kintsugi::image
