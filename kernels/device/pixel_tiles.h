// SPDX-License-Identifier: MIT
//
// How a kernel that gathers over a picture's pixels (norm, reduce) cuts it among its blocks, and what
// each thread takes. It depends on one picture alone, never on the batch or the device, so that a
// sum's order does neither. No CUDA: the host's side computes bytes with it, kernels carry it along.
#pragma once

#include <algorithm>
#include <cstdint>

namespace kintsugi::device {

constexpr int kPixelThreads = 256;

/// A block has `rows` times `columns` threads. Columns are groups of 16 bytes of channels, so that a
/// warp reads whole lines; row r takes the tile's pixels r, r + rows, ...
struct PixelTiles {
  uint32_t pixels = 0;  // of a picture
  uint32_t packs = 0;   // groups of 16 bytes of a pixel
  uint32_t columns = 1;
  uint32_t rows = kPixelThreads;
  uint32_t column_blocks = 1;
  uint32_t tile_pixels = 0;
  uint32_t tiles = 0;

  /// Blocks of one picture.
  [[nodiscard]] constexpr int64_t blocks() const { return int64_t{tiles} * column_blocks; }
};

/// For fewer than 2^31 pixels. A thread takes four pixels at least, for their loads to overlap and a
/// partial result to be small beside what it is of; and more where a picture would have over 1024
/// tiles, which are several for every multiprocessor there is and still few to be gathered later.
[[nodiscard]] constexpr PixelTiles pixel_tiles(int64_t pixels, int64_t packs) {
  PixelTiles t{.pixels = static_cast<uint32_t>(pixels), .packs = static_cast<uint32_t>(packs)};
  while (t.columns < 32 && t.columns < t.packs) t.columns *= 2;
  t.rows = kPixelThreads / t.columns;
  t.column_blocks = (t.packs + t.columns - 1) / t.columns;
  const int64_t even = (pixels * t.column_blocks - 1) / (int64_t{1024} * t.rows) + 1;
  const int64_t tile = std::max<int64_t>(even, 4) * t.rows;
  t.tile_pixels = static_cast<uint32_t>(std::min<int64_t>(tile, pixels));
  t.tiles = (t.pixels + t.tile_pixels - 1) / t.tile_pixels;
  return t;
}

}  // namespace kintsugi::device
