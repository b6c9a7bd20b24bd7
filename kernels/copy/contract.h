// SPDX-License-Identifier: MIT
//
// The contract of copy (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/copy/copy.h"

namespace kintsugi::copy {

template <class From, class To = From>
[[nodiscard]] Args<From, To> bind(const Desc&, const Call& call) {
  return {.input = call.inputs[0].as<const From>(), .output = call.outputs[0].as<To>()};
}

struct Op : FromHeader<Desc>, OneToOne, NotFusible, NoFilters, NoScratch, ChoosesNothing {
  static constexpr std::string_view kName = "copy";

  using ChoosesNothing::describe;
  using FromHeader::describe;
  static Cost cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes);
  static Reach reach(const Desc& desc, ShapeSpan inputs);
  static Stored reads(const Desc&, int) { return Stored::any; }
  static Stored makes(const Desc& desc, int output);
  static Arrangement arrangement(const Desc& desc);
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::copy
