// SPDX-License-Identifier: MIT
//
// How the gathering kernel of norm on CUDA shares a picture's records among its threads. It depends on
// channels and groups alone. No CUDA: the host's side counts bytes with it, the kernel carries it along.
#pragma once

#include <algorithm>
#include <cstdint>

namespace kintsugi::norm {

constexpr uint32_t kGatherThreads = 1024;

/// A block has `rows` times `columns` threads. A column is a channel, row r takes tiles r, r + rows, ...;
/// a group larger than the columns goes round them, and is a block's only one.
struct Gather {
  uint32_t group_channels = 1;
  uint32_t columns = 8;
  uint32_t rows = kGatherThreads / 8;
  uint32_t block_channels = 8;  // of whole groups
  uint32_t blocks = 1;          // of a picture
};

/// As few columns as hold a group, for as many threads as can be to share a channel's tiles and as many
/// blocks; but 8, whose floats are the 32 bytes that memory delivers, and no more than a warp's lanes.
[[nodiscard]] constexpr Gather gather_of(int64_t channels, int64_t groups) {
  Gather g{.group_channels = static_cast<uint32_t>(channels / groups)};
  while (g.columns < 32 && g.columns < g.group_channels) g.columns *= 2;
  g.rows = kGatherThreads / g.columns;
  g.block_channels = std::max(g.columns / g.group_channels, 1u) * g.group_channels;
  g.blocks = (static_cast<uint32_t>(channels) + g.block_channels - 1) / g.block_channels;
  return g;
}

}  // namespace kintsugi::norm
