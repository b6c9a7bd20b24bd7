// SPDX-License-Identifier: MIT
#include "kernels/simd/steps.h"

namespace kintsugi::simd {

BoundSteps bind(const Steps& steps, Operands operands) {
  if (static_cast<size_t>(steps.operand_count()) != operands.size()) {
    throw Error(ErrorCode::internal, "the steps \"" + to_string(steps) + "\" read " +
                                         std::to_string(steps.operand_count()) + " operands, not " +
                                         std::to_string(operands.size()));
  }
  const auto f32 = [](const Operand& operand) -> FloatOperand {
    return {static_cast<const float*>(operand.data), operand.pitch};
  };
  BoundSteps bound;
  bound.gate = steps.gate();
  size_t next = 0;
  for (const Step& step : steps) {
    BoundStep& item = bound.items[bound.count++];
    item = {step.kind, step.extent, step.function, step.gate, step.a, step.b, {}, {}};
    if (step.operand_count() > 0) item.factor = f32(operands[next++]);
    if (step.operand_count() > 1) item.addend = f32(operands[next++]);
  }
  return bound;
}

}  // namespace kintsugi::simd
