// SPDX-License-Identifier: MIT
//
// The emulator's half of kernels/device/tma.cuh.
#pragma once

#include "kernels/device/mbarrier.cuh"
#include "kernels/device/tensor_map.h"

namespace kintsugi::device {

inline void tma_load(void* to, const TensorMap& map, MBarrier& barrier, int row, int column,
                     emulator::Where where = emulator::Where::current()) {
  emulator::begin_transfer(to, map, &barrier, row, column, where);
}

inline void tma_prefetch(const TensorMap& /*map*/) {}

}  // namespace kintsugi::device
