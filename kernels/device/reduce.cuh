// SPDX-License-Identifier: MIT
//
// Reductions of a warp, out of shuffles: the same text for both halves. The order of the sum depends
// on the lane alone, and every lane gets the same bits.
#pragma once

#include "kernels/device/warp.cuh"

namespace kintsugi::device {

/// `combine(a, b)` must not mind the order of its arguments.
template <typename T, typename Combine>
[[nodiscard]] KIN_DEVICE T reduce(T value, Combine combine) {
  for (int distance = kWarpSize / 2; distance > 0; distance /= 2) {
    value = combine(value, shfl_xor(value, distance));
  }
  return value;
}

template <typename T>
[[nodiscard]] KIN_DEVICE T reduce_add(T value) {
  return reduce(value, [](T a, T b) { return a + b; });
}

template <typename T>
[[nodiscard]] KIN_DEVICE T reduce_max(T value) {
  return reduce(value, [](T a, T b) { return a > b ? a : b; });
}

}  // namespace kintsugi::device
