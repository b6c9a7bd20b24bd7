// SPDX-License-Identifier: MIT
//
// Fragments are what one lane holds of a matrix product's operands, and the functions here say which
// elements those are. They are the layouts of the PTX manual's mma.m16n8k16 (f16, bf16) and
// mma.m16n8k8 (tf32), as arithmetic: the kernels' epilogues ask them, and the emulator computes by
// them. No instruction stands here (mma.cuh) and nothing is allocated.
#pragma once

#include <cstdint>

#include "kernels/core/half.h"

namespace kintsugi::device {

constexpr int kWarpSize = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

/// A float of which the tensor core reads the upper 19 bits. to_tf32 (numeric.cuh) rounds to it.
struct tf32 {
  uint32_t bits = 0;
};

constexpr int kMmaM = 16;
constexpr int kMmaN = 8;
/// How deep one instruction multiplies: 32 bytes of every operand's row.
template <typename T>
constexpr int kMmaK = 32 / static_cast<int>(sizeof(T));

/// A is [16][kMmaK], B is [kMmaK][8], C is [16][8]. A register of A and B is 4 bytes: two 16-bit
/// elements neighbouring in k, the lower one in the lower half, or one tf32.
template <typename T>
struct FragmentA {
  uint32_t reg[4];
};
template <typename T>
struct FragmentB {
  uint32_t reg[2];
};
struct FragmentC {
  float x[4];
};

struct Element {
  int row;
  int column;
};

/// Element [m, k] that stands in the lower end of register `reg` of A. The other half is k + 1.
template <typename T>
[[nodiscard]] constexpr Element a_element(int lane, int reg) {
  const int per_register = 4 / static_cast<int>(sizeof(T));
  return {lane / 4 + 8 * (reg & 1), (lane % 4 + 4 * (reg >> 1)) * per_register};
}

/// Element [k, n] that stands in the lower end of register `reg` of B. The other half is k + 1.
template <typename T>
[[nodiscard]] constexpr Element b_element(int lane, int reg) {
  const int per_register = 4 / static_cast<int>(sizeof(T));
  return {(lane % 4 + 4 * reg) * per_register, lane / 4};
}

/// Element [m, n] of C; for every T.
[[nodiscard]] constexpr Element c_element(int lane, int i) {
  return {lane / 4 + 8 * (i >> 1), 2 * (lane % 4) + (i & 1)};
}

/// Which row of 16 bytes a lane must name so that ldmatrix_x4 fills one FragmentA from a tile stored
/// [m][k]: {row m, 16-byte chunk along k: 0 or 1}.
[[nodiscard]] constexpr Element a_row_of_lane(int lane) { return {lane % 16, lane / 16}; }

/// The same for two FragmentB, columns n..n+7 and n+8..n+15, from a tile stored [n][k]:
/// {row n, chunk}.
[[nodiscard]] constexpr Element b_row_of_lane(int lane) {
  return {lane % 8 + 8 * (lane / 16), (lane / 8) % 2};
}

/// Where chunk `chunk` of row `row` stands in a tile of rows of `chunks` chunks of 16 bytes, so that
/// eight rows at one chunk fall on eight different bank groups: ldmatrix takes one wavefront a matrix.
/// `chunks` is 2, 4 or a multiple of 8. A row of fewer than 8 chunks shares its 128 bytes of banks
/// with its neighbours, so the xor changes only every 8 / chunks rows.
template <int kChunks>
[[nodiscard]] constexpr int swizzled_chunk(int row, int chunk) {
  static_assert(kChunks == 2 || kChunks == 4 || kChunks % 8 == 0,
                "rows of 32, 64, or n * 128 bytes");
  constexpr int kSpan = kChunks < 8 ? kChunks : 8;
  return row * kChunks + (chunk ^ ((row / (8 / kSpan)) % kSpan));
}

}  // namespace kintsugi::device
