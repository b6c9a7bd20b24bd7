// SPDX-License-Identifier: MIT
//
// The contract of elementwise (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/elementwise/elementwise.h"

namespace kintsugi::elementwise {

template <class T>
[[nodiscard]] Args<T> bind(const Desc& desc, const Call& call) {
  return {.input = call.inputs[0].as<const T>(),
          .operands = bind_operands<T>(desc.steps, call.operands),
          .output = call.outputs[0].as<T>()};
}

struct Op : FromHeader<Desc>, OneToOne, NoFilters, NoScratch, ChoosesIsa {
  static constexpr std::string_view kName = "elementwise";

  using ChoosesIsa::describe;
  using FromHeader::describe;
  static Reach reach(const Desc& desc, ShapeSpan inputs);
  static bool in_place(const Desc&) { return true; }
  static Steps* steps(Desc& desc) { return &desc.steps; }
  static Prologue* prologue(Desc&) { return nullptr; }
  static bool absorb(Desc& desc, const Edit& edit, const Target& target);
  static Desc unfused(const Desc& desc) { return desc; }
  static int64_t moment_tiles(const Desc&, const Config&, ShapeSpan) { return 0; }
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::elementwise
