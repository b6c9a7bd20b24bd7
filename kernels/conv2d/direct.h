// SPDX-License-Identifier: MIT
//
// What the kernel of the sums over taps (cpu.cpp) and its policy agree on. Arithmetic, owns nothing; nobody
// else includes this.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/simd/filter_order.h"

namespace kintsugi::conv2d {

[[nodiscard]] inline simd::FilterOrder order_of(const Desc& desc, const CpuConfig& config) {
  return simd::filter_order(desc.out_channels, desc.epilogue, config.isa, config.vectors);
}

/// Elements of one tap's packed weights, of one block of filters.
[[nodiscard]] inline int64_t matrix_elements(const Desc& desc, const CpuConfig& config) {
  if (config.algorithm == Algorithm::few_outputs) {
    return checked_multiply(round_up(desc.in_channels, simd::lanes(config.isa)), desc.out_channels);
  }
  return checked_multiply(storage_channels(desc.in_channels), order_of(desc, config).block());
}

/// Outputs whose taps stand alike on the stored input are so many apart: of an input enlarged twice
/// every other, unless the stride takes every other pixel as it is.
[[nodiscard]] inline Pair phases_of(const Desc& desc) {
  const int64_t up = desc.prologue.upsample;
  return {desc.stride.h % up == 0 ? 1 : up, desc.stride.w % up == 0 ? 1 : up};
}

}  // namespace kintsugi::conv2d
