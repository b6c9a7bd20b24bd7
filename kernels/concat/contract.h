// SPDX-License-Identifier: MIT
//
// The contract of concat (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/concat/concat.h"
#include "kernels/contract/op.h"

namespace kintsugi::concat {

template <class T>
[[nodiscard]] Args<T> bind(const Desc&, const Call& call) {
  Args<T> args{.inputs = {}, .output = call.outputs[0].as<T>()};
  for (const AnyView& input : call.inputs) args.inputs.push_back(input.as<const T>());
  return args;
}

struct Op : FromHeader<Desc>, OneToOne, NotFusible, NoFilters, NoScratch, ChoosesNothing {
  static constexpr std::string_view kName = "concat";

  using ChoosesNothing::describe;
  static Shapes outputs(const Desc& desc, ShapeSpan inputs);
  static Cost cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes);
  static Reach reach(const Desc& desc, ShapeSpan inputs);
  static int inputs(const Desc&) { return -1; }
  static Arrangement arrangement(const Desc&) { return {Arrangement::Kind::joined}; }
  static std::string describe(const Desc& desc);
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::concat
