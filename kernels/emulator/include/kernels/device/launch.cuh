// SPDX-License-Identifier: MIT
//
// The emulator's half of kernels/device/launch.cuh: a launch becomes a task of the stream, a thread
// a fiber. Same words, no CUDA.
#pragma once

#include <typeinfo>

#include "kernels/device/api.h"
#include "kernels/device/fragment.h"
#include "kernels/device/grid.h"
#include "kernels/emulator/index.h"
#include "kernels/emulator/launch.h"

#define KIN_DEVICE inline

namespace kintsugi::device {

[[nodiscard]] inline int lane() { return static_cast<int>(::threadIdx.x % kWarpSize); }
[[nodiscard]] inline int warp() { return static_cast<int>(::threadIdx.x / kWarpSize); }

template <typename K>
[[nodiscard]] inline typename K::Shared& shared() {
  return *reinterpret_cast<typename K::Shared*>(emulator::block_now->shared);
}

template <Kernel K>
void launch(Stream& stream, Grid grid, const K& kernel) {
  static_assert(max_registers<K>() <= 255, "no thread has more");
  emulator::enqueue(stream, {.kernel = emulator::type_name(typeid(K).name()),
                             .grid = grid,
                             .threads = K::kThreads,
                             .shared_bytes = shared_bytes<K>(),
                             .body = [kernel] { kernel(); }});
}

}  // namespace kintsugi::device
