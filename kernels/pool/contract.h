// SPDX-License-Identifier: MIT
//
// The contract of pool (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/pool/pool.h"

namespace kintsugi::pool {

template <class T>
[[nodiscard]] Args<T> bind(const Desc&, const Call& call) {
  return {.input = call.inputs[0].as<const T>(), .output = call.outputs[0].as<T>()};
}

struct Op : FromHeader<Desc>, OneToOne, NoFilters, NotFusible, NoScratch, ChoosesIsa {
  static constexpr std::string_view kName = "pool";

  using ChoosesIsa::describe;
  using FromHeader::describe;
  static Reach reach(const Desc& desc, ShapeSpan inputs);
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::pool
