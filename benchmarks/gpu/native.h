// SPDX-License-Identifier: MIT
//
// The facade's stream as the CUDA libraries have it: its handles are CUDA's own pointers under our
// names (kernels/device/cuda/api.cpp). For cudnn.cpp and cublas.cpp.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/device/api.h"

namespace kintsugi::gpu_bench {

[[nodiscard]] inline cudaStream_t native(device::Stream& stream) {
  return reinterpret_cast<cudaStream_t>(&stream);
}

}  // namespace kintsugi::gpu_bench
