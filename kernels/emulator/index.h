// SPDX-License-Identifier: MIT
//
// CUDA's built-in variables, under CUDA's names: who the running thread is. The scheduler
// (block.cpp) sets them when it switches; kernels read them through launch.cuh.
#pragma once

namespace kintsugi::emulator {

struct Index3 {
  unsigned x = 0;
  unsigned y = 0;
  unsigned z = 0;
};

}  // namespace kintsugi::emulator

// In the global namespace, as nvcc has them.
extern constinit thread_local kintsugi::emulator::Index3 threadIdx;
extern constinit thread_local kintsugi::emulator::Index3 blockIdx;
extern constinit thread_local kintsugi::emulator::Index3 blockDim;
extern constinit thread_local kintsugi::emulator::Index3 gridDim;
