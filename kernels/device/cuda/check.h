// SPDX-License-Identifier: MIT
//
// What the CUDA implementation of the facade and launch.cuh share: an error code becomes an Error,
// a Stream a cudaStream_t. Nobody else includes it.
#pragma once

#include <cuda_runtime.h>

#include "kernels/device/api.h"

namespace kintsugi::device::cuda {

/// Throws kintsugi::Error unless `status` is success. `what` is the call or the kernel.
void check(cudaError_t status, const char* what);

[[nodiscard]] inline cudaStream_t native(Stream& stream) {
  return reinterpret_cast<cudaStream_t>(&stream);
}
[[nodiscard]] inline cudaEvent_t native(Event& event) {
  return reinterpret_cast<cudaEvent_t>(&event);
}
[[nodiscard]] inline cudaGraph_t native(Graph& graph) {
  return reinterpret_cast<cudaGraph_t>(&graph);
}
[[nodiscard]] inline cudaGraphExec_t native(Executable& executable) {
  return reinterpret_cast<cudaGraphExec_t>(&executable);
}

}  // namespace kintsugi::device::cuda
