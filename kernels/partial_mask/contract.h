// SPDX-License-Identifier: MIT
//
// The contract of partial_mask (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/partial_mask/partial_mask.h"

namespace kintsugi::partial_mask {

template <class T>
[[nodiscard]] Args<T> bind(const Desc& desc, const Call& call) {
  Args<T> args{.ratio = call.outputs[0].as<T>(), .valid = call.outputs[1].as<T>()};
  for (size_t i = 0; i < static_cast<size_t>(desc.planes()); ++i) {
    args.masks[i] = call.inputs[i].as<const T>();
  }
  return args;
}

struct Op : FromHeader<Desc>, OneToOne, NotFusible, NoFilters, NoScratch, ChoosesNothing {
  static constexpr std::string_view kName = "partial_mask";

  using ChoosesNothing::describe;
  using FromHeader::describe;
  static int inputs(const Desc& desc) { return desc.planes(); }
  static Shapes outputs(const Desc& desc, ShapeSpan inputs);
  static Reach reach(const Desc& desc, ShapeSpan inputs);
  static Stored reads(const Desc&, int) { return Stored::exact; }
  static Stored makes(const Desc&, int) { return Stored::exact; }
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::partial_mask
