// SPDX-License-Identifier: MIT
//
// What cpu.cpp hands to its functions of every instruction set: plain data (kernels/simd/targets.h).
#pragma once

#include <cstdint>

namespace kintsugi::reduce {

/// Neighbouring pixels with all their channels.
struct Run {
  const float* input = nullptr;
  int64_t pitch = 0;
  int64_t pixels = 0;
  int64_t channels = 0;
  float* output =
      nullptr;  // over pixels: [storage_channels(C)]; over channels: a pixel after another
  int64_t output_step = 0;  // over channels: elements from one to the next
  float factor = 1;         // over channels: of the sum
};

}  // namespace kintsugi::reduce
