// SPDX-License-Identifier: MIT
//
// How cuDNN 9 would run a convolution: its graph API, the engines that its heuristics name, a plan for
// each that takes it. Nothing runs here, so that it can be asked without a GPU what it would do on one
// (a Target that is described in JSON). Called by cudnn.cpp and by the test that has no GPU.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "benchmarks/gpu/cudnn_graph.h"
#include "benchmarks/gpu/problem.h"

namespace kintsugi::gpu_bench {

/// The device of a handle, or one that is described.
struct Target {
  cudnnHandle_t handle = nullptr;
  std::optional<cudnn_graph::Descriptor> device;

  /// By cuDNN's own names of a device's properties. Throws where cuDNN misses one.
  [[nodiscard]] static Target described(const std::string& json);
};

struct Plan {
  cudnn_graph::Descriptor descriptor;
  int64_t workspace_bytes;
};

/// The names of a plan's tensors. The bias is [K] of the storage type (in f32 no engine
/// takes it beside 16 bits), in fused plans alone.
inline constexpr int64_t kInputId = 1, kWeightId = 2, kOutputId = 3, kBiasId = 4;

/// At most `most` plans, best first by cuDNN's opinion; channels_last. `fused`: with the bias and, if
/// it is relu, the activation.
[[nodiscard]] std::vector<Plan> cudnn_plans(const Convolution& convolution, bool fused,
                                            const Target& target, size_t most);

}  // namespace kintsugi::gpu_bench
