// SPDX-License-Identifier: MIT
//
// What cpu.cpp hands to its functions of every instruction set: plain data (kernels/simd/targets.h).
#pragma once

#include <cstdint>

namespace kintsugi::layer_norm {

/// Neighbouring pixels.
struct Row {
  const float* input = nullptr;
  int64_t input_step = 0;  // elements from one pixel to the next
  float* output = nullptr;
  int64_t output_step = 0;
  int64_t pixels = 0;
  int64_t channels = 0;
  const float* weight = nullptr;  // both or none, whole groups of four
  const float* bias = nullptr;
  float eps = 0;
};

}  // namespace kintsugi::layer_norm
