// SPDX-License-Identifier: MIT
//
// launch() is the only place of the project where a kernel is started, KIN_DEVICE the only decoration
// that kernels carry, shared<K>() the only shared memory. This is the device half; the emulator's
// stands in kernels/emulator/include under the same name, and the build chooses by the order of its
// include folders. Kernel files (.cu) include it; nothing else does.
#pragma once

#include <typeinfo>

#include "kernels/device/api.h"
#include "kernels/device/cuda/check.h"
#include "kernels/device/fragment.h"
#include "kernels/device/grid.h"

#define KIN_DEVICE __device__ __forceinline__

namespace kintsugi::device {

[[nodiscard]] KIN_DEVICE int lane() { return static_cast<int>(threadIdx.x % kWarpSize); }
[[nodiscard]] KIN_DEVICE int warp() { return static_cast<int>(threadIdx.x / kWarpSize); }

/// The block's shared memory, seen as what K says it is.
template <typename K>
[[nodiscard]] KIN_DEVICE typename K::Shared& shared() {
  extern __shared__ __align__(kSharedAlignment) unsigned char arena[];
  return *reinterpret_cast<typename K::Shared*>(arena);
}

/// kMaxRegisters does nothing but stand in the mangled name, where tests/cuda finds it beside what
/// ptxas used.
template <Kernel K, int kMaxRegisters>
__global__ void __launch_bounds__(K::kThreads, min_blocks<K>())
    entry(const __grid_constant__ K kernel) {
  kernel();
}

/// Gives one run of `kernel` to the stream. Blocks are one-dimensional.
template <Kernel K>
void launch(Stream& stream, Grid grid, const K& kernel) {
  static_assert(K::kThreads % kWarpSize == 0 && K::kThreads <= kMaxThreads,
                "whole warps, 1024 threads at most");
  const char* name = typeid(K).name();
  if constexpr (shared_bytes<K>() > 48 * 1024) {
    cuda::check(cudaFuncSetAttribute(entry<K, max_registers<K>()>,
                                     cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     static_cast<int>(shared_bytes<K>())),
                name);
  }
  entry<K, max_registers<K>()>
      <<<dim3(grid.x, grid.y, grid.z), K::kThreads, shared_bytes<K>(), cuda::native(stream)>>>(
          kernel);
  cuda::check(cudaGetLastError(), name);
}

}  // namespace kintsugi::device
