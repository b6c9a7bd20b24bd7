// SPDX-License-Identifier: MIT
#pragma once

#include "kernels/contract/op.h"
#include "tests/house/ops/duel/duel.h"

namespace kintsugi::duel {

template <class T>
[[nodiscard]] Args<T> bind(const Desc&, const Call& call) {
  return {.a = call.inputs[0].as<const T>(),
          .b = call.inputs[1].as<const T>(),
          .winner = call.outputs[0].as<T>(),
          .share = call.outputs[1].as<Exact<T>>()};
}

struct Op : OneToOne, NotFusible, NoFilters, NoScratch, ChoosesNothing, NoCudaKernel {
  using Desc = duel::Desc;
  static constexpr std::string_view kName = "duel";

  using ChoosesNothing::describe;
  static int inputs(const Desc&) { return 2; }
  static Shapes outputs(const Desc& desc, ShapeSpan inputs);
  static Cost cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes);
  static Reach reach(const Desc&, ShapeSpan) { return Window{}; }
  static Stored makes(const Desc&, int output);
  static std::string describe(const Desc& desc);
  static void reference(const Desc& desc, const Call& call, Parallel& parallel);
  static void cpu(const Desc& desc, const Config& config, const Call& call, Parallel& parallel);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::duel
