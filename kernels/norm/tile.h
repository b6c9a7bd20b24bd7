// SPDX-License-Identifier: MIT
//
// What cpu.cpp hands to its functions of every instruction set: plain data (kernels/simd/targets.h).
#pragma once

#include <cstdint>

namespace kintsugi::norm {

/// Neighbouring pixels with all their channels, and where their moments go.
struct Tile {
  const float* pivot = nullptr;  // the picture's first pixel
  const float* input = nullptr;  // the tile's
  int64_t pitch = 0;
  int64_t pixels = 0;
  int64_t stored = 0;        // channels, in whole groups of four
  float* mean = nullptr;     // less the pivot
  float* squares = nullptr;  // of the differences from the mean, summed
};

}  // namespace kintsugi::norm
