// SPDX-License-Identifier: MIT
//
// The contract of layer_norm (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/layer_norm/cuda.h"
#include "kernels/layer_norm/layer_norm.h"

namespace kintsugi::layer_norm {

template <class T>
[[nodiscard]] Args<T> bind(const Desc& desc, const Call& call) {
  Args<T> args{.input = call.inputs[0].as<const T>(), .output = call.outputs[0].as<T>()};
  if (desc.affine) {
    args.weight = call.weights[0].packed<Exact<T>>();
    args.bias = call.weights[1].packed<Exact<T>>();
  }
  return args;
}

struct Op : FromHeader<Desc>, OneToOne, NotFusible, NoFilters, NoScratch {
  using Config = std::variant<std::monostate, simd::Isa, CudaConfig>;
  static constexpr std::string_view kName = "layer_norm";

  static Shapes weights(const Desc& desc, ShapeSpan inputs);
  static Reach reach(const Desc& desc, ShapeSpan inputs);
  static bool in_place(const Desc&) { return true; }
  static Config choose(const Desc& desc, ShapeSpan inputs, const Target& target);
  using FromHeader::describe;
  static std::string describe(const Config& config);
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void cpu(const Desc& desc, const Config& config, const Call& call, Parallel& parallel);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::layer_norm
