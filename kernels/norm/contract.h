// SPDX-License-Identifier: MIT
//
// The contract of norm (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/norm/norm.h"

namespace kintsugi::norm {

template <class T>
[[nodiscard]] Args<T> bind(const Desc& desc, const Call& call) {
  Args<T> args{.scale = call.outputs[0].as<Exact<T>>(),
               .shift = call.outputs[1].as<Exact<T>>(),
               .workspace = call.workspace};
  if (desc.moments_of > 0) {
    args.moments = moments_of(call.inputs[0]);
  } else {
    args.input = call.inputs[0].as<const T>();
  }
  if (desc.affine) {
    args.weight = call.weights[0].packed<Exact<T>>();
    args.bias = call.weights[1].packed<Exact<T>>();
  }
  return args;
}

struct Op : FromHeader<Desc>, OneToOne, NoFilters, ChoosesIsa {
  static constexpr std::string_view kName = "norm";

  using ChoosesIsa::describe;
  using FromHeader::describe;
  static Shapes weights(const Desc& desc, ShapeSpan inputs);
  static Shapes outputs(const Desc& desc, ShapeSpan inputs);
  static Cost cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes);
  static Reach reach(const Desc& desc, ShapeSpan inputs);
  static Stored reads(const Desc& desc, int input);
  static Stored makes(const Desc&, int) { return Stored::exact; }
  static Steps* steps(Desc&) { return nullptr; }
  static Prologue* prologue(Desc&) { return nullptr; }
  static bool absorb(Desc& desc, const Edit& edit, const Target& target);
  static Desc unfused(const Desc& desc) { return desc; }
  static int64_t moment_tiles(const Desc&, const Config&, ShapeSpan) { return 0; }
  static Needs needs(const Desc& desc, const Config& config, ShapeSpan inputs,
                     const Target& target);
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::norm
