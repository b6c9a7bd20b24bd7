// SPDX-License-Identifier: MIT
//
// The contract of reduce (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/reduce/reduce.h"

namespace kintsugi::reduce {

template <class T>
[[nodiscard]] Args<T> bind(const Desc&, const Call& call) {
  return {.input = call.inputs[0].as<const T>(),
          .output = call.outputs[0].as<T>(),
          .workspace = call.workspace};
}

struct Op : FromHeader<Desc>, OneToOne, NoFilters, NotFusible, ChoosesIsa {
  static constexpr std::string_view kName = "reduce";

  using ChoosesIsa::describe;
  using FromHeader::describe;
  static Reach reach(const Desc& desc, ShapeSpan inputs);
  static Needs needs(const Desc& desc, const Config& config, ShapeSpan inputs,
                     const Target& target);
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::reduce
