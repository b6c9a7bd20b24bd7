// SPDX-License-Identifier: MIT
//
// A step list bound to device memory: what a launch hands to its kernel, and what steps.cuh
// interprets there. Plain data, no CUDA. An operand `tensor` has the storage type of the output; all
// others are f32.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/core/steps.h"

namespace kintsugi::device {

/// What a step reads, on the device.
using StepOperand = kintsugi::Operand;

struct BoundStep {
  Step::Kind kind = Step::Kind::add;
  Extent extent = Extent::scalar;
  Function function = Function::identity;
  Function gate = Function::identity;
  float a = 0;
  float b = 0;
  StepOperand first, second;
};

struct BoundSteps {
  int count = 0;
  int gate = -1;  // which of them pairs channels; -1 where none does
  BoundStep step[Steps::kMaxSteps];
};

/// `operands` in step order, an affine's factor before its summand.
[[nodiscard]] inline BoundSteps bind(const Steps& steps, kintsugi::Operands operands) {
  BoundSteps bound;
  bound.gate = steps.gate();
  size_t next = 0;
  for (const Step& step : steps) {
    BoundStep& to = bound.step[bound.count++];
    to = {.kind = step.kind,
          .extent = step.extent,
          .function = step.function,
          .gate = step.gate,
          .a = step.a,
          .b = step.b,
          .first = {},
          .second = {}};
    if (step.operand_count() > 0) to.first = operands[next++];
    if (step.operand_count() > 1) to.second = operands[next++];
  }
  return bound;
}

}  // namespace kintsugi::device
