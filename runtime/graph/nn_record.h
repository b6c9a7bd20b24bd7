// SPDX-License-Identifier: MIT
//
// How the functions of nn record: for their own files alone.
#pragma once

#include <utility>
#include <vector>

#include "runtime/graph/nn.h"

namespace kintsugi::nn {

/// One node of `op` on `inputs`, named after its module.
inline Value record(const Scope& m, std::vector<Value> inputs, graph::Op op,
                    std::vector<graph::ConstantId> weights, std::vector<graph::Operand> operands) {
  return m.graph().record({.op = std::move(op),
                           .inputs = std::move(inputs),
                           .weights = std::move(weights),
                           .operands = std::move(operands),
                           .names = {m.path()},
                           .shape = {},
                           .where = m.where()});
}

/// An elementwise node of one step.
inline Value apply(const Scope& m, Value x, const Step& step,
                   std::vector<graph::Operand> operands) {
  return record(m, {x}, elementwise::Desc{.steps = {step}}, {}, std::move(operands));
}

}  // namespace kintsugi::nn
