// SPDX-License-Identifier: MIT
//
// Args is what a call of either convolution is given: typed views of memory that the caller owns.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/core/call.h"
#include "kernels/core/moments.h"
#include "kernels/core/steps.h"
#include "kernels/core/view.h"

namespace kintsugi::implicit_gemm {

template <class T>
struct Args {
  TensorView<const T> input;  // [N, C, H, W]
  std::span<const T> weight;  // weight_shape() for `reference`, packed for the other backends
  OperandList operands;       // of the prologue, then of the epilogue, in step order
  TensorView<T> output;       // [N, K, P, Q], not overlapping any input
  Workspace workspace = {};   // workspace_elements() or scratch()
  MomentsView<float> moments =
      {};                       // of the output, with Desc::moments: moment_tiles() a batch item
  uint32_t* tickets = nullptr;  // on CUDA, where scratch() asks for some
};

}  // namespace kintsugi::implicit_gemm
