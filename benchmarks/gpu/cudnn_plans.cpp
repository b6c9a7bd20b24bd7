// SPDX-License-Identifier: MIT
#include "benchmarks/gpu/cudnn_plans.h"

#include <algorithm>
#include <chrono>

namespace kintsugi::gpu_bench {
namespace {

using cudnn_graph::check;
using cudnn_graph::Descriptor;

/// No plan is made after that: some are compiled when they are made.
constexpr auto kPatience = std::chrono::milliseconds(1500);

constexpr int64_t kSumId = 5, kBiasedId = 6;  // between operations, never in memory

std::vector<int64_t> extents(const Shape& s) { return {s[0], s[1], s[2], s[3]}; }

/// Storage. f32 is multiplied as tf32 unless an engine says otherwise: see multiplies_exactly().
cudnnDataType_t data_type(Type type) {
  return type == Type::bf16  ? CUDNN_DATA_BFLOAT16
         : type == Type::f16 ? CUDNN_DATA_HALF
                             : CUDNN_DATA_FLOAT;
}

Descriptor convolve(const Convolution& c, const Descriptor& x, const Descriptor& w,
                    const Descriptor& y) {
  const auto pair = [](Pair p) { return std::vector<int64_t>{p.h, p.w}; };
  const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  Descriptor what(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  what.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode)
      .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2})
      .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, pair(c.dilation))
      .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, pair(c.stride))
      .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, pair(c.padding))
      .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, pair(c.padding))
      .finalize("a convolution");
  if (c.transposed) {  // the gradient of a convolution that goes from our output to our input
    Descriptor made(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR);
    return made.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, what)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, x)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, w)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, y)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, 1.0f)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, 0.0f)
        .finalize("a transposed convolution's operation");
  }
  Descriptor made(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  return made.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, what)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0f)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0f)
      .finalize("a convolution's operation");
}

std::vector<Descriptor> operations(const Convolution& c, bool fused) {
  const cudnnDataType_t type = data_type(c.type);
  const Descriptor x = cudnn_graph::tensor(kInputId, type, extents(c.input));
  const Descriptor w = cudnn_graph::tensor(kWeightId, type, extents(c.weight));
  const Descriptor y = cudnn_graph::tensor(kOutputId, type, extents(c.output));
  if (!fused) return {convolve(c, x, w, y)};
  const auto between = [&](int64_t id) {
    return cudnn_graph::tensor(id, CUDNN_DATA_FLOAT, extents(c.output), true);
  };
  const bool activates = c.activation == Function::relu;
  const Descriptor bias = cudnn_graph::tensor(kBiasId, type, {1, c.output[1], 1, 1});
  const Descriptor sum = between(kSumId);
  const Descriptor biased = activates ? between(kBiasedId) : y;
  std::vector<Descriptor> made{convolve(c, x, w, sum),
                               cudnn_graph::pointwise(CUDNN_POINTWISE_ADD, sum, &bias, biased)};
  if (activates) {
    made.push_back(cudnn_graph::pointwise(CUDNN_POINTWISE_RELU_FWD, biased, nullptr, y));
  }
  return made;
}

/// An engine that multiplies f32 as it is has no note of tensor cores.
bool multiplies_exactly(const Descriptor& configuration) {
  Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t raw = engine.get();
  int64_t count = 0;
  check(cudnnBackendGetAttribute(configuration.get(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &raw),
        "a configuration's engine");
  std::vector<cudnnBackendNumericalNote_t> notes(CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
  check(cudnnBackendGetAttribute(raw, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                 static_cast<int64_t>(notes.size()), &count, notes.data()),
        "an engine's notes");
  notes.resize(static_cast<size_t>(count));
  return std::find(notes.begin(), notes.end(), CUDNN_NUMERICAL_NOTE_TENSOR_CORE) == notes.end();
}

/// The engine configurations that heuristics name for a graph, best first.
std::vector<Descriptor> configurations(const Descriptor& graph, const Target& target,
                                       cudnnBackendHeurMode_t mode, size_t most) {
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph)
      .set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  if (target.device) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *target.device);
  heuristics.finalize("heuristics");
  std::vector<Descriptor> found;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (size_t i = 0; i < most; ++i) {
    found.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    raw.push_back(found.back().get());
  }
  int64_t count = 0;
  check(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<int64_t>(most), &count,
                                 raw.data()),
        "what heuristics name");
  found.erase(found.begin() + count, found.end());
  return found;
}

}  // namespace

Target Target::described(const std::string& json) {
  Descriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  device
      .set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
           static_cast<int64_t>(json.size() + 1), json.c_str())
      .finalize("a device's description");
  return {.handle = nullptr, .device = device};
}

std::vector<Plan> cudnn_plans(const Convolution& c, bool fused, const Target& target, size_t most) {
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations(c, fused));
  if (!target.device) graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, target.handle);
  graph.finalize("the graph");
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  std::vector<Plan> found;
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    for (const Descriptor& configuration : configurations(graph, target, mode, 4 * most)) {
      if (found.size() == most || (!found.empty() && clock::now() - start > kPatience)) break;
      try {
        if (c.type == Type::f32 && !multiplies_exactly(configuration)) continue;
        Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
        if (target.device) {
          plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *target.device);
        } else {
          plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, target.handle);
        }
        plan.finalize("a plan");
        found.push_back({plan, plan.integer(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE)});
      } catch (const Error&) {
        continue;  // heuristics may name what the engine then refuses
      }
    }
    if (!found.empty()) break;
  }
  return found;
}

}  // namespace kintsugi::gpu_bench
