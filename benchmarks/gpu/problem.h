// SPDX-License-Identifier: MIT
//
// A layer in one storage type, ready to be measured: what it costs by its ops' contracts, and how its
// buffers are made and its kernels launched. It measures nothing (timing.h). Every op of the build is one
// by its contract alone (benchmarks/chain.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/gpu/buffer.h"
#include "benchmarks/gpu/layers.h"
#include "benchmarks/gpu/timing.h"
#include "kernels/core/half.h"
#include "kernels/core/padding.h"
#include "kernels/core/shape.h"
#include "kernels/core/steps.h"
#include "kernels/device/api.h"
#include "kernels/device/traffic.h"

namespace kintsugi::gpu_bench {

/// How numbers are stored and multiplied.
enum class Type : uint8_t { bf16, f16, tf32, f32 };
inline constexpr Type kTypes[] = {Type::bf16, Type::f16, Type::tf32, Type::f32};
[[nodiscard]] const char* name_of(Type type);
[[nodiscard]] constexpr DType dtype_of(Type type) {
  return type == Type::bf16 ? DType::bf16 : type == Type::f16 ? DType::f16 : DType::f32;
}

/// f(T{}) in the storage type.
template <class F>
auto with_storage(Type type, const F& f) {
  if (type == Type::bf16) return f(kintsugi::bf16{});
  if (type == Type::f16) return f(kintsugi::f16{});
  return f(float{});
}

using device::Traffic;

/// Who can be measured: buffers, and a launch on them.
struct Runnable {
  /// A set of buffers with its data, the output first. Slow; further sets are copied from it.
  std::function<std::vector<Buffer>()> fill;
  std::function<Launch(const std::vector<Buffer>&)> bind;
  Shape output;
  int64_t output_pitch = 0;         // of a pixel, in elements
  DType output_dtype = DType::f32;  // as it is stored
};

/// What a baseline needs to compute the same: a convolution, its data on the host, dense.
struct Convolution {
  Type type = Type::bf16;
  bool transposed = false;
  bool reflects = false;
  Shape input, output, weight;  // the weight's in PyTorch's order
  Pair kernel = 1, stride = 1, dilation = 1, padding = 0;
  Function activation = Function::identity;
  float slope = 0;
  std::vector<float> pixels;   // [N, H, W, C]
  std::vector<float> weights;  // as `weight` says
  std::vector<float> bias;     // [K]
};

struct Problem {
  std::string description;
  std::string config;
  int64_t flops = 0;
  int64_t bytes = 0;  // by the contract: what must move at least once
  Traffic traffic;    // of one launch
  Runnable runnable;
  std::shared_ptr<const Convolution> convolution;  // null where a library has none like it
  /// The output by the ops' references, in f64, [pixels, channels]; slow. Empty where there is none.
  std::function<std::vector<float>()> definition;
};

/// Whether this build has kernels for the ops of a layer.
[[nodiscard]] bool has_kernels(const Layer& layer);
/// Whether a layer is measured in a type: not where another type launches the same.
[[nodiscard]] bool is_measured(const Layer& layer, Type type, const device::DeviceInfo& gpu);
/// Throws Error::usage where the layer is not understood, and what its ops throw.
[[nodiscard]] Problem problem_of(const Layer& layer, Type type, const device::DeviceInfo& gpu);

}  // namespace kintsugi::gpu_bench
