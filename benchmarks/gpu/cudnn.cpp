// SPDX-License-Identifier: MIT
//
// cuDNN 9 by its graph API: a convolution or its adjoint, alone and with bias and activation, on
// channels_last data. The first engines that its heuristics name are timed and the fastest taken,
// which is more than PyTorch does by default.
#include <algorithm>
#include <limits>

#include "benchmarks/gpu/baseline.h"
#include "benchmarks/gpu/cudnn_graph.h"
#include "benchmarks/gpu/native.h"

namespace kintsugi::gpu_bench {
namespace {

using cudnn_graph::check;
using cudnn_graph::Descriptor;

constexpr int64_t kInput = 1, kWeight = 2, kOutput = 3, kBias = 4, kSum = 5, kBiased = 6;
constexpr int64_t kMostEngines = 8;

/// The process's own, never destroyed: contexts may be gone when it would be.
cudnnHandle_t handle() {
  static const cudnnHandle_t made = [] {
    cudnnHandle_t handle = nullptr;
    check(cudnnCreate(&handle), "cudnnCreate");
    return handle;
  }();
  return made;
}

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
  const Descriptor x = cudnn_graph::tensor(kInput, type, extents(c.input));
  const Descriptor w = cudnn_graph::tensor(kWeight, type, extents(c.weight));
  const Descriptor y = cudnn_graph::tensor(kOutput, type, extents(c.output));
  if (!fused) return {convolve(c, x, w, y)};
  const auto between = [&](int64_t id) {
    return cudnn_graph::tensor(id, CUDNN_DATA_FLOAT, extents(c.output), true);
  };
  const bool activates = c.activation == Function::relu;
  const Descriptor bias = cudnn_graph::tensor(kBias, CUDNN_DATA_FLOAT, {1, c.output[1], 1, 1});
  const Descriptor sum = between(kSum);
  const Descriptor biased = activates ? between(kBiased) : y;
  std::vector<Descriptor> made{convolve(c, x, w, sum),
                               cudnn_graph::pointwise(CUDNN_POINTWISE_ADD, sum, &bias, biased)};
  if (activates) {
    made.push_back(cudnn_graph::pointwise(CUDNN_POINTWISE_RELU_FWD, biased, nullptr, y));
  }
  return made;
}

struct Plan {
  Descriptor descriptor;
  int64_t workspace_bytes;
};

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

std::vector<Plan> plans(const Convolution& c, bool fused) {
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations(c, fused))
      .set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle())
      .finalize("the graph");
  std::vector<Plan> found;
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    for (const Descriptor& configuration :
         cudnn_graph::configurations(graph, mode, 4 * kMostEngines)) {
      if (static_cast<int64_t>(found.size()) == kMostEngines) break;
      try {
        if (c.type == Type::f32 && !multiplies_exactly(configuration)) continue;
        Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle())
            .set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration)
            .finalize("a plan");
        const int64_t workspace = plan.integer(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
        found.push_back({plan, workspace});
      } catch (const Error&) {
        continue;  // heuristics may name what the engine then refuses
      }
    }
    if (!found.empty()) break;
  }
  return found;
}

/// [d0, d1, R, S] as cuDNN's channels_last has it: [d0, R, S, d1].
std::vector<float> channels_last(const Convolution& c) {
  const int64_t channels = c.weight[1], taps = c.weight[2] * c.weight[3];
  std::vector<float> out(c.weights.size());
  for (int64_t k = 0; k < c.weight[0]; ++k) {
    for (int64_t channel = 0; channel < channels; ++channel) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        out[static_cast<size_t>((k * taps + tap) * channels + channel)] =
            c.weights[static_cast<size_t>((k * channels + channel) * taps + tap)];
      }
    }
  }
  return out;
}

template <class T>
std::vector<T> narrowed(const std::vector<float>& values) {
  std::vector<T> out;
  out.reserve(values.size());
  for (const float value : values) out.push_back(narrow<T>(value));
  return out;
}

std::vector<Buffer> fill(const Convolution& c, int64_t workspace_bytes) {
  return with_storage(c.type, [&]<class T>(T) {
    std::vector<Buffer> buffers;
    buffers.emplace_back(c.output.elements() * static_cast<int64_t>(sizeof(T)));
    buffers.emplace_back(narrowed<T>(c.pixels));
    buffers.emplace_back(narrowed<T>(channels_last(c)));
    buffers.emplace_back(c.bias);
    buffers.emplace_back(workspace_bytes);
    return buffers;
  });
}

Launch bind(const Plan& plan, bool fused, const std::vector<Buffer>& buffers) {
  std::vector<int64_t> ids{kOutput, kInput, kWeight};
  if (fused) ids.push_back(kBias);
  std::vector<void*> pointers;
  for (size_t i = 0; i < ids.size(); ++i) pointers.push_back(buffers[i].data());
  void* workspace = buffers[4].data();
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids)
      .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
           static_cast<int64_t>(pointers.size()), pointers.data())
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace)
      .finalize("a variant pack");
  return [plan, pack](device::Stream& stream) {
    check(cudnnSetStream(handle(), native(stream)), "cudnnSetStream");
    check(cudnnBackendExecute(handle(), plan.descriptor.get(), pack.get()), "cudnnBackendExecute");
  };
}

Baseline baseline(const std::shared_ptr<const Convolution>& data, bool fused,
                  device::Stream& stream) {
  const Convolution& c = *data;
  Baseline made{.name = fused ? "cuDNN fused" : "cuDNN",
                .how = "",
                .refused = "",
                .runnable = {},
                .fused = fused};
  try {
    const std::vector<Plan> found = plans(c, fused);
    if (found.empty()) throw Error(ErrorCode::unsupported, "cuDNN has no engine for this graph");
    size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    int64_t most_bytes = 0;
    for (const Plan& plan : found) most_bytes = std::max(most_bytes, plan.workspace_bytes);
    const std::vector<Buffer> buffers = fill(c, most_bytes);
    for (size_t i = 0; i < found.size(); ++i) {
      try {
        const auto time = time_of({bind(found[i], fused, buffers)}, {.samples = 3}, stream);
        if (time->median < least) {
          least = time->median;
          best = i;
        }
      } catch (const Error&) {
        continue;
      }
    }
    const Plan plan = found[best];
    made.how = "engine " + std::to_string(best + 1) + " of " + std::to_string(found.size()) +
               " that heuristics name, workspace " + std::to_string(plan.workspace_bytes) +
               " bytes";
    made.runnable = {.fill = [data, plan] { return fill(*data, plan.workspace_bytes); },
                     .bind =
                         [plan, fused](const std::vector<Buffer>& buffers_of_set) {
                           return bind(plan, fused, buffers_of_set);
                         },
                     .output = c.output,
                     .output_pitch = c.output.c()};
  } catch (const Error& error) {
    made.refused = error.what();
  }
  return made;
}

}  // namespace

Library cudnn() {
  try {
    static_cast<void>(handle());
    return {.version = std::to_string(cudnnGetVersion()), .refused = ""};
  } catch (const Error& error) {
    return {.version = "", .refused = error.what()};
  }
}

std::vector<Baseline> cudnn_baselines(const std::shared_ptr<const Convolution>& convolution,
                                      device::Stream& stream) {
  if (convolution->reflects) {
    return {{.name = "cuDNN",
             .how = "",
             .refused = "cuDNN does not pad by reflection",
             .runnable = {},
             .fused = false}};
  }
  std::vector<Baseline> made{baseline(convolution, false, stream)};
  const Function function = convolution->activation;
  if (function == Function::identity || function == Function::relu) {
    made.push_back(baseline(convolution, true, stream));
  }
  return made;
}

}  // namespace kintsugi::gpu_bench
