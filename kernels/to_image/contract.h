// SPDX-License-Identifier: MIT
//
// The contract of to_image (kernels/contract/op.h), and the arguments its kernels take from a Call.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/to_image/to_image.h"

namespace kintsugi::to_image {

template <class S, class T>
[[nodiscard]] Args<S, T> bind(const Desc&, const Call& call) {
  return {.input = call.inputs[0].as<const T>(),
          .image = call.outputs[0].as<S>(),
          .first_bad = call.outputs[1].as<Exact<T>>()};
}

struct Op : FromHeader<Desc>, OneToOne, NotFusible, NoFilters, NoScratch, ChoosesNothing {
  static constexpr std::string_view kName = "to_image";

  using ChoosesNothing::describe;
  using FromHeader::describe;
  static Shapes outputs(const Desc& desc, ShapeSpan inputs);
  static Reach reach(const Desc&, ShapeSpan) { return Window{}; }
  static Stored makes(const Desc& desc, int output);
  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target);
  static void reference(const Desc& desc, const Call& call, Parallel& parallel);
  static void cpu(const Desc& desc, const Config& config, const Call& call, Parallel& parallel);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::to_image
