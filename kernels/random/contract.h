// SPDX-License-Identifier: MIT
//
// The contract of random (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/random/random.h"

namespace kintsugi::random {

template <class T>
[[nodiscard]] Args<T> bind(const Desc&, const Call& call) {
  return {.state = call.inputs[0].as<const uint16_t>(), .output = call.outputs[0].as<T>()};
}

struct Op : FromHeader<Desc>, OneToOne, NotFusible, NoFilters, NoScratch, ChoosesNothing {
  static constexpr std::string_view kName = "random";

  using ChoosesNothing::describe;
  using FromHeader::describe;
  static Reach reach(const Desc&, ShapeSpan) { return {}; }
  static Stored reads(const Desc&, int) { return Stored::samples16; }
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::random
