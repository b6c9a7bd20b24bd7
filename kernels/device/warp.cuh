// SPDX-License-Identifier: MIT
//
// Shuffles and votes of a warp's 32 lanes. They order no memory accesses: that is syncwarp's.
#pragma once

#include "kernels/device/launch.cuh"

namespace kintsugi::device {

template <typename T>
[[nodiscard]] KIN_DEVICE T shfl(T value, int source, uint32_t mask = kAllLanes) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");
  return __shfl_sync(mask, value, source);
}

template <typename T>
[[nodiscard]] KIN_DEVICE T shfl_xor(T value, int lane_mask, uint32_t mask = kAllLanes) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");
  return __shfl_xor_sync(mask, value, lane_mask);
}

/// From the lane `delta` below; the lowest keep their own.
template <typename T>
[[nodiscard]] KIN_DEVICE T shfl_up(T value, int delta, uint32_t mask = kAllLanes) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");
  return __shfl_up_sync(mask, value, static_cast<unsigned>(delta));
}

template <typename T>
[[nodiscard]] KIN_DEVICE T shfl_down(T value, int delta, uint32_t mask = kAllLanes) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");
  return __shfl_down_sync(mask, value, static_cast<unsigned>(delta));
}

[[nodiscard]] KIN_DEVICE uint32_t ballot(bool predicate, uint32_t mask = kAllLanes) {
  return __ballot_sync(mask, predicate);
}
[[nodiscard]] KIN_DEVICE bool any(bool predicate, uint32_t mask = kAllLanes) {
  return __any_sync(mask, predicate) != 0;
}
[[nodiscard]] KIN_DEVICE bool all(bool predicate, uint32_t mask = kAllLanes) {
  return __all_sync(mask, predicate) != 0;
}

}  // namespace kintsugi::device
