// SPDX-License-Identifier: MIT
//
// How the functions of nn record: for their own files alone.
#pragma once

#include <utility>
#include <vector>

#include "kernels/elementwise/elementwise.h"
#include "runtime/graph/nn.h"

namespace kintsugi::nn {

/// One node of `op` on `inputs`, named after its module.
inline Value record(const Scope& m, std::vector<Value> inputs, AnyOp op,
                    std::vector<graph::ConstantId> weights, std::vector<graph::Operand> operands) {
  return m.graph().record({.does = std::move(op),
                           .inputs = std::move(inputs),
                           .weights = std::move(weights),
                           .operands = std::move(operands),
                           .names = {m.path()},
                           .where = m.where()});
}

/// An elementwise node of one step.
inline Value apply(const Scope& m, Value x, const Step& step,
                   std::vector<graph::Operand> operands) {
  return record(m, {x}, elementwise::Desc{.steps = {step}}, {}, std::move(operands));
}

}  // namespace kintsugi::nn
