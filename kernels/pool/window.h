// SPDX-License-Identifier: MIT
//
// What cpu.cpp hands to its functions of every instruction set: plain data (kernels/simd/targets.h).
#pragma once

#include <cstdint>

namespace kintsugi::pool {

/// What one output pixel sees: `rows` by `columns` pixels, one at least.
struct Window {
  const float* first = nullptr;
  int64_t rows = 0, columns = 0;
  int64_t row_step = 0, column_step = 0;  // in elements
  float factor = 1;                       // of an average: 1 / count
  float* output = nullptr;
  int64_t stored = 0;  // channels, in whole groups of four
};

}  // namespace kintsugi::pool
