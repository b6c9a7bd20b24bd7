// SPDX-License-Identifier: MIT
//
// TMA: the copy engine of sm_90 moves a box of a tensor to shared memory and completes an mbarrier.
// One thread asks. Elements outside the tensor are zero. The box lands swizzled (tensor_map.h).
#pragma once

#include "kernels/device/mbarrier.cuh"
#include "kernels/device/tensor_map.h"

namespace kintsugi::device {

/// The box whose first element is [row, column], to `to`, a multiple of 1024 in shared memory.
/// box_rows * 128 bytes arrive at `barrier`. `map` is a field of the kernel.
KIN_DEVICE void tma_load(void* to, const TensorMap& map, MBarrier& barrier, int row, int column) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%3, %4}], [%2];" ::"r"(detail::shared_address(to)),
      "l"(&map), "r"(detail::shared_address(&barrier)), "r"(column), "r"(row)
      : "memory");
}

/// Fetches the map itself ahead of its first use.
KIN_DEVICE void tma_prefetch(const TensorMap& map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}

}  // namespace kintsugi::device
