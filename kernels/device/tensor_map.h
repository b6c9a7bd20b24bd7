// SPDX-License-Identifier: MIT
//
// What TMA and wgmma are told about shared memory, as values that both halves read alike: the map of
// a tensor in device memory, and the descriptor of a tile. One form is supported, the one that all
// our Hopper kernels use: rows of 128 bytes, swizzled by 128 bytes, the reduction axis contiguous.
#pragma once

#include <cstdint>

#include "kernels/device/fragment.h"

namespace kintsugi::device {

/// A matrix [rows][columns] of 16-bit elements in device memory, of which TMA moves boxes of
/// [box_rows][64] elements: 128 bytes a row. make_tensor_map (api.h) fills it.
struct alignas(64) TensorMap {
  uint64_t opaque[16];
};

struct TensorMapDesc {
  const void* data = nullptr;  ///< a multiple of 16
  uint64_t rows = 0;
  uint64_t columns = 0;
  uint64_t pitch_bytes = 0;  ///< from row to row; a multiple of 16
  uint32_t box_rows = 0;     ///< 1 to 256
};

constexpr int kBoxColumns = 64;

/// Where the 16 bytes `chunk` (0 to 7) of row `row` stand in a tile swizzled by 128 bytes, as bytes
/// from the tile's beginning, which is a multiple of 1024. The same place as swizzled_chunk<8>.
[[nodiscard]] constexpr int swizzle128_bytes(int row, int chunk) {
  return 16 * swizzled_chunk<8>(row, chunk);
}

/// A wgmma operand: the tile's address in shared memory in units of 16 bytes, the distance of groups
/// of eight rows (1024 bytes), and the swizzle by 128 bytes. Along k one steps by 32 bytes.
[[nodiscard]] constexpr uint64_t matrix_descriptor(uint32_t shared_address) {
  const uint64_t start = (shared_address & 0x3ffffu) >> 4;
  const uint64_t leading = 1;  // not used with this swizzle
  const uint64_t stride = 1024 >> 4;
  const uint64_t swizzle128 = 1;
  return start | leading << 16 | stride << 32 | swizzle128 << 62;
}
[[nodiscard]] constexpr uint32_t descriptor_address(uint64_t descriptor) {
  return static_cast<uint32_t>(descriptor & 0x3fffu) << 4;
}

/// Element [m, n] of an accumulator of wgmma m64nNk16: thread `t` of the 128, float `i` of N / 2.
[[nodiscard]] constexpr Element wgmma_element(int t, int i) {
  return {t / 32 * 16 + (t % 32) / 4 + 8 * ((i >> 1) & 1), 8 * (i >> 2) + 2 * (t % 4) + (i & 1)};
}

}  // namespace kintsugi::device
