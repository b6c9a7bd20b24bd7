// SPDX-License-Identifier: MIT
//
// The libraries that are measured beside our kernels, in the same process and on the same numbers:
// cuDNN for convolutions (cudnn.cpp), cuBLAS for the ceiling of products (cublas.cpp). Where the
// build has none of one, absent_<library>.cpp stands in its place and says so. Nothing here is linked
// into the library.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/gpu/problem.h"

namespace kintsugi::gpu_bench {

struct Library {
  std::string version;  // empty where it is refused
  std::string refused;  // a sentence
};

struct Baseline {
  std::string name;  // "cuDNN", "cuDNN fused"
  std::string how;   // which engine, of how many
  std::string refused;
  Runnable runnable;
  bool fused = false;  // bias and activation are in its output
};

/// cuDNN on the present device.
[[nodiscard]] Library cudnn();
/// The convolution alone, and with bias and activation in one graph; channels_last in both. Of the
/// engines its heuristics name, each the fastest.
[[nodiscard]] std::vector<Baseline> cudnn_baselines(
    const std::shared_ptr<const Convolution>& convolution, device::Stream& stream);

[[nodiscard]] Library cublas();
/// A product of square matrices of `side`.
[[nodiscard]] Runnable cublas_product(Type type, int64_t side);

}  // namespace kintsugi::gpu_bench
