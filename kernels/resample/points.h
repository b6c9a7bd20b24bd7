// SPDX-License-Identifier: MIT
//
// What cpu.cpp hands to its functions of every instruction set: plain data (kernels/simd/targets.h).
#pragma once

#include <cstdint>

namespace kintsugi::resample {

/// What an output pixel reads of an input row: two pixels, as elements from the row's first.
struct Point {
  int64_t first = 0, second = 0;
  float share = 0;
};

/// Neighbouring output pixels of a row.
struct Points {
  const Point* items = nullptr;
  int64_t count = 0;
  const float* upper = nullptr;  // input rows
  const float* lower = nullptr;
  float share = 0;  // of the lower
  float* output = nullptr;
  int64_t output_step = 0;  // elements from one pixel to the next
  int64_t stored = 0;       // channels, in whole groups of four
};

}  // namespace kintsugi::resample
