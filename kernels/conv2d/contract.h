// SPDX-License-Identifier: MIT
//
// The contract of conv2d (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/cuda.h"

namespace kintsugi::conv2d {

template <class T>
[[nodiscard]] Args<T> bind(const Desc& desc, const Call& call) {
  Args<T> args{.input = call.inputs[0].as<const T>(),
               .weight = call.weights[0].packed<T>(),
               .operands = bind_operands<T>(desc.prologue.steps, desc.epilogue, call.operands),
               .output = call.outputs[0].as<T>(),
               .workspace = call.workspace,
               .tickets = call.tickets};
  if (desc.moments) args.moments = moments_of(call.outputs[1]);
  return args;
}

struct Op : OneToOne {
  using Desc = conv2d::Desc;
  using Config = std::variant<std::monostate, CpuConfig, CudaConfig>;
  static constexpr std::string_view kName = "conv2d";

  static Shapes weights(const Desc& desc, ShapeSpan inputs);
  static Shapes outputs(const Desc& desc, ShapeSpan inputs);
  static Cost cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes);
  static Reach reach(const Desc& desc);
  static std::string describe(const Desc& desc);
  static Stored makes(const Desc&, int output);
  static Steps* steps(Desc& desc) { return &desc.epilogue; }
  static Prologue* prologue(Desc& desc) { return &desc.prologue; }
  static bool absorb(Desc& desc, const Edit& edit, const Target& target);
  static Desc unfused(const Desc& desc);
  static Config choose(const Desc& desc, ShapeSpan inputs, const Target& target);
  static std::string describe(const Config& config);
  static bool loses_a_digit(const Config& config);
  static Needs needs(const Desc& desc, const Config& config, ShapeSpan inputs,
                     const Target& target);
  static int64_t moment_tiles(const Desc& desc, const Config& config, ShapeSpan inputs);
  static std::optional<Packing> packing(const Desc& desc, const Config& config,
                                        const Target& target);
  static void pack(const Desc& desc, const Config& config, std::span<const float> weight,
                   const AnyView& packed);
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void reference(const Desc& desc, const Call& call, Parallel& parallel);
  static void cpu(const Desc& desc, const Config& config, const Call& call, Parallel& parallel);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::conv2d
