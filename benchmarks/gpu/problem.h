// SPDX-License-Identifier: MIT
//
// A layer in one storage type, ready to be measured: what it costs by its op's contract, and how its
// buffers are made and its kernel launched. It measures nothing (timing.h). An op is one function in
// a file op_<...>.cpp, of its own or with its kin, and a line in the table of ops().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/gpu/buffer.h"
#include "benchmarks/gpu/layers.h"
#include "benchmarks/gpu/timing.h"
#include "kernels/core/half.h"
#include "kernels/core/shape.h"
#include "kernels/core/steps.h"
#include "kernels/device/api.h"
#include "kernels/device/traffic.h"

namespace kintsugi::gpu_bench {

/// How numbers are stored and multiplied.
enum class Type : uint8_t { bf16, f16, tf32, f32 };
[[nodiscard]] const char* name_of(Type type);
[[nodiscard]] constexpr int64_t bytes_of(Type type) { return type < Type::tf32 ? 2 : 4; }

using device::Traffic;

/// Who can be measured: buffers, and a launch on them.
struct Runnable {
  /// A set of buffers with its data, the output first. Slow; further sets are copied from it.
  std::function<std::vector<Buffer>()> fill;
  std::function<Launch(const std::vector<Buffer>&)> bind;
  Shape output;
  int64_t output_pitch = 0;  // of a pixel, in elements
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
  Traffic traffic;    // of one launch, operands of steps included
  Runnable runnable;
  std::shared_ptr<const Convolution> convolution;  // null where the op is none
};

struct Op {
  const char* name;
  /// The types its kernels are measured in.
  std::span<const Type> types;
  Problem (*problem)(const Layer&, Type, const device::DeviceInfo&);
};
/// Every op that has a CUDA kernel.
[[nodiscard]] std::span<const Op> ops();

// The ops. tf32 is a way to multiply, so it is no type of an op that only moves numbers.
inline constexpr Type kMultiplied[] = {Type::bf16, Type::f16, Type::tf32, Type::f32};
inline constexpr Type kMoved[] = {Type::bf16, Type::f16, Type::f32};
[[nodiscard]] Problem conv2d_problem(const Layer&, Type, const device::DeviceInfo&);
[[nodiscard]] Problem conv_transpose2d_problem(const Layer&, Type, const device::DeviceInfo&);
[[nodiscard]] Problem elementwise_problem(const Layer&, Type, const device::DeviceInfo&);
[[nodiscard]] Problem image_problem(const Layer&, Type, const device::DeviceInfo&);
[[nodiscard]] Problem layer_norm_problem(const Layer&, Type, const device::DeviceInfo&);
[[nodiscard]] Problem norm_problem(const Layer&, Type, const device::DeviceInfo&);
[[nodiscard]] Problem pad_problem(const Layer&, Type, const device::DeviceInfo&);
[[nodiscard]] Problem pool_problem(const Layer&, Type, const device::DeviceInfo&);
[[nodiscard]] Problem reduce_problem(const Layer&, Type, const device::DeviceInfo&);
[[nodiscard]] Problem resample_problem(const Layer&, Type, const device::DeviceInfo&);

// ---- What ops share.

/// f(T{}) in the storage type.
template <class F>
auto with_storage(Type type, const F& f) {
  if (type == Type::bf16) return f(kintsugi::bf16{});
  if (type == Type::f16) return f(kintsugi::f16{});
  return f(float{});
}

/// The function of the setting `act`; identity where there is none.
[[nodiscard]] Function activation_of(const Layer& layer);
[[nodiscard]] Function function_named(const std::string& name);
/// leaky_relu's factor below zero, of every layer.
inline constexpr float kSlope = 0.2f;
/// The channel bias and the setting `act`, as networks have them.
[[nodiscard]] Epilogue epilogue_of(const Layer& layer);

/// What the operands of a step list add to a launch that applies it once to each group of 16 bytes
/// of an output.
[[nodiscard]] int64_t operand_bytes(const Steps& steps, const Shape& output, int64_t element_bytes);

}  // namespace kintsugi::gpu_bench
