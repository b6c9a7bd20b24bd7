// SPDX-License-Identifier: MIT
//
// The emulator's half of kernels/device/warp.cuh.
#pragma once

#include <bit>
#include <cstring>

#include "kernels/device/launch.cuh"
#include "kernels/emulator/shuffle.h"

namespace kintsugi::device {

template <typename T>
[[nodiscard]] T shfl(T value, int source, uint32_t mask = kAllLanes,
                     emulator::Where where = emulator::Where::current()) {
  return emulator::shuffle("shfl", value, source % kWarpSize, mask, where);
}

template <typename T>
[[nodiscard]] T shfl_xor(T value, int lane_mask, uint32_t mask = kAllLanes,
                         emulator::Where where = emulator::Where::current()) {
  return emulator::shuffle("shfl_xor", value, lane() ^ lane_mask, mask, where);
}

/// From the lane `delta` below; the lowest keep their own.
template <typename T>
[[nodiscard]] T shfl_up(T value, int delta, uint32_t mask = kAllLanes,
                        emulator::Where where = emulator::Where::current()) {
  const int source = lane() - delta;
  return emulator::shuffle("shfl_up", value, source < 0 ? lane() : source, mask, where);
}

template <typename T>
[[nodiscard]] T shfl_down(T value, int delta, uint32_t mask = kAllLanes,
                          emulator::Where where = emulator::Where::current()) {
  const int source = lane() + delta;
  return emulator::shuffle("shfl_down", value, source >= kWarpSize ? lane() : source, mask, where);
}

[[nodiscard]] inline uint32_t ballot(bool predicate, uint32_t mask = kAllLanes,
                                     emulator::Where where = emulator::Where::current()) {
  return emulator::vote("ballot", predicate, mask, where);
}

[[nodiscard]] inline bool any(bool predicate, uint32_t mask = kAllLanes,
                              emulator::Where where = emulator::Where::current()) {
  return emulator::vote("any", predicate, mask, where) != 0;
}

[[nodiscard]] inline bool all(bool predicate, uint32_t mask = kAllLanes,
                              emulator::Where where = emulator::Where::current()) {
  return emulator::vote("all", predicate, mask, where) == mask;
}

}  // namespace kintsugi::device
