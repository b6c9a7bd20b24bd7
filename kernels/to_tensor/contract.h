// SPDX-License-Identifier: MIT
//
// The contract of to_tensor (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/to_tensor/to_tensor.h"

namespace kintsugi::to_tensor {

template <class S, class T>
[[nodiscard]] Args<S, T> bind(const Desc& desc, const Call& call) {
  Args<S, T> args{
      .image = call.inputs[0].as<const S>(), .mask = {}, .output = call.outputs[0].as<T>()};
  if (desc.masked) args.mask = call.inputs[1].as<const uint8_t>();
  return args;
}

struct Op : FromHeader<Desc>, OneToOne, NotFusible, NoFilters, NoScratch, ChoosesNothing {
  static constexpr std::string_view kName = "to_tensor";

  using ChoosesNothing::describe;
  using FromHeader::describe;
  static int inputs(const Desc& desc) { return desc.masked ? 2 : 1; }
  static Shapes outputs(const Desc& desc, ShapeSpan inputs);
  static Reach reach(const Desc&, ShapeSpan) { return Window{}; }
  static Stored reads(const Desc& desc, int input);
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void reference(const Desc& desc, const Call& call, Parallel& parallel);
  static void cpu(const Desc& desc, const Config& config, const Call& call, Parallel& parallel);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::to_tensor
