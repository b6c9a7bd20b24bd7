// SPDX-License-Identifier: MIT
//
// cuDNN 9 by its graph API: a convolution or its adjoint, alone and with bias and activation, on
// channels_last data. The first engines that its heuristics name are timed and the fastest taken,
// which is more than PyTorch does by default.
#include <algorithm>
#include <limits>

#include "benchmarks/gpu/baseline.h"
#include "benchmarks/gpu/cudnn_plans.h"
#include "benchmarks/gpu/native.h"

namespace kintsugi::gpu_bench {
namespace {

using cudnn_graph::check;
using cudnn_graph::Descriptor;

constexpr size_t kMostEngines = 8;

/// The process's own, never destroyed: contexts may be gone when it would be.
cudnnHandle_t handle() {
  static const cudnnHandle_t made = [] {
    cudnnHandle_t handle = nullptr;
    check(cudnnCreate(&handle), "cudnnCreate");
    return handle;
  }();
  return made;
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
    buffers.emplace_back(narrowed<T>(c.bias));
    buffers.emplace_back(workspace_bytes);
    return buffers;
  });
}

Launch bind(const Plan& plan, bool fused, const std::vector<Buffer>& buffers) {
  std::vector<int64_t> ids{kOutputId, kInputId, kWeightId};
  if (fused) ids.push_back(kBiasId);
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
    const std::vector<Plan> found =
        cudnn_plans(c, fused, {.handle = handle(), .device = {}}, kMostEngines);
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
                     .output_pitch = c.output.c(),
                     .output_dtype = dtype_of(c.type)};
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
