// SPDX-License-Identifier: MIT
//
// What the direct form's kernel (cpu.cpp) and its policy agree on. Arithmetic, owns nothing; nobody
// else includes this.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/simd/filter_order.h"

namespace kintsugi::conv2d {

[[nodiscard]] inline simd::FilterOrder order_of(const Desc& desc, const CpuConfig& config) {
  return simd::filter_order(desc.out_channels, desc.epilogue, config.isa, config.vectors);
}

/// Outputs whose taps stand alike on the stored input are so many apart: of an input enlarged twice
/// every other, unless the stride takes every other pixel as it is.
[[nodiscard]] inline Pair phases_of(const Desc& desc) {
  const int64_t up = desc.prologue.upsample;
  return {desc.stride.h % up == 0 ? 1 : up, desc.stride.w % up == 0 ? 1 : up};
}

}  // namespace kintsugi::conv2d
