// SPDX-License-Identifier: MIT
//
// The inner loops of an emulated tensor core, in the widest vectors that the machine has: widening
// and a small matrix product. matrix.cpp calls; which version runs does not change a bit, because
// the products of 16-bit numbers (and of tf32) are exact in float.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kintsugi::emulator {

/// An index that is known not to be negative.
constexpr std::size_t at_index(int i) { return static_cast<std::size_t>(i); }

constexpr int kColumnBlock = 32;  // columns are padded to a multiple of it

/// Words of two 16-bit numbers: the lower halves and the upper ones, widened.
using Widen = void (*)(const uint32_t* words, float* low, float* high, int count);
/// c[r][n] += sum over k of a[r][k] * b[k][n]; rows is a multiple of 4, columns of kColumnBlock.
using Multiply = void (*)(const float* a, int a_pitch, const float* b, float* c, int rows,
                          int columns, int depth);

struct Arithmetic {
  Widen widen_f16;
  Widen widen_bf16;
  Multiply multiply;
};
[[nodiscard]] const Arithmetic& arithmetic();

}  // namespace kintsugi::emulator
