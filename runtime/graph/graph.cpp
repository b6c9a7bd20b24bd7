// SPDX-License-Identifier: MIT
#include "runtime/graph/graph.h"

#include <algorithm>

#include "runtime/weights/source_line.h"

namespace kintsugi::graph {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

/// "conv1 (runtime/networks/glcic/net.cpp:44)"; nodes of no network have no line.
std::string where_of(const Node& node) {
  if (node.where.line() == 0) return node.name();
  return node.name() + " (" + weights::source_line(node.where) + ")";
}

/// The shape a step's operand must have beside a value [N, C, H, W]; a constant has no sample axis.
bool fits(Extent extent, const Shape& operand, const Shape& value, bool is_constant) {
  switch (extent) {
    case Extent::scalar: return false;
    case Extent::channel: return operand.rank() == 1 && operand[0] == value.c();
    case Extent::sample_channel:
      return !is_constant && operand == Shape({value.n(), value.c(), 1, 1});
    case Extent::pixel:
      return !is_constant && operand == Shape({value.n(), 1, value.h(), value.w()});
    case Extent::tensor: return !is_constant && operand == value;
  }
  return false;
}

/// Every step finds its operands, each of the shape its extent asks for.
void check_operands(const Graph& graph, const Node& node) {
  const Steps* steps = steps_of(node.op);
  const int wanted = steps != nullptr ? steps->operand_count() : 0;
  if (wanted != static_cast<int>(node.operands.size())) {
    throw Error(ErrorCode::mismatch, "its steps read " + std::to_string(wanted) +
                                         " operands, not " + std::to_string(node.operands.size()));
  }
  if (steps == nullptr) return;
  size_t next = 0;
  for (const Step& step : *steps) {
    for (int i = 0; i < step.operand_count(); ++i) {
      const Operand& operand = node.operands[next++];
      const auto* constant = std::get_if<ConstantId>(&operand);
      const Shape& shape = constant != nullptr ? graph.constant(*constant).shape
                                               : graph.node(std::get<Value>(operand)).shape;
      if (fits(step.extent, shape, node.shape, constant != nullptr)) continue;
      throw Error(ErrorCode::mismatch, "the step '" + kintsugi::to_string(Steps{step}) +
                                           "' cannot read " + shape.to_string() + " beside " +
                                           node.shape.to_string());
    }
  }
}

}  // namespace

Value Graph::input(std::string name, const Shape& shape, std::source_location where) {
  const Value value = record({.op = Input{shape},
                              .inputs = {},
                              .weights = {},
                              .operands = {},
                              .names = {name},
                              .shape = {},
                              .where = where});
  inputs.push_back({std::move(name), value});
  return value;
}

Value Graph::record(Node node) {
  try {
    node.shape = std::visit(Overloaded{[](const Input& op) { return op.shape; },
                                       [&](const auto& op) {
                                         return output_shape(op, this->node(node.inputs[0]).shape);
                                       }},
                            node.op);
    check_operands(*this, node);
  } catch (const Error& error) {
    throw Error(error.code(), where_of(node) + ": " + error.what(), error.hint());
  }
  nodes.push_back(std::move(node));
  return {static_cast<int32_t>(nodes.size()) - 1};
}

ConstantId Graph::constant(Constant constant) {
  const auto same = std::ranges::find(constants, constant.name, &Constant::name);
  const auto index = static_cast<int32_t>(same - constants.begin());
  if (same == constants.end()) constants.push_back(std::move(constant));
  return {index};
}

const Steps* steps_of(const Op& op) {
  return std::visit(
      [](const auto& desc) -> const Steps* {
        if constexpr (requires { desc.epilogue; }) {
          return &desc.epilogue;
        } else if constexpr (requires { desc.steps; }) {
          return &desc.steps;
        } else {
          return nullptr;
        }
      },
      op);
}

Steps* steps_of(Op& op) {
  return const_cast<Steps*>(steps_of(static_cast<const Op&>(op)));  // the op itself is mutable
}

std::vector<Value> reads(const Node& node) {
  std::vector<Value> values = node.inputs;
  for (const Operand& operand : node.operands) {
    if (const Value* value = std::get_if<Value>(&operand)) values.push_back(*value);
  }
  return values;
}

void rewrite_reads(Node& node, const std::function<Value(Value)>& change) {
  for (Value& value : node.inputs) value = change(value);
  for (Operand& operand : node.operands) {
    if (Value* value = std::get_if<Value>(&operand)) *value = change(*value);
  }
}

std::string to_string(const Op& op) {
  return std::visit(
      Overloaded{[](const Input& input) { return "input " + input.shape.to_string(); },
                 [](const auto& desc) { return to_string(desc); }},
      op);
}

int64_t flops(const Graph& graph, const Node& node) {
  return std::visit(
      Overloaded{[](const Input&) { return int64_t{0}; },
                 [&](const auto& op) { return flops(op, graph.node(node.inputs[0]).shape); }},
      node.op);
}

int64_t bytes(const Graph& graph, const Node& node, int64_t element_bytes) {
  return std::visit(Overloaded{[](const Input&) { return int64_t{0}; },
                               [&](const auto& op) {
                                 return bytes(op, graph.node(node.inputs[0]).shape, element_bytes);
                               }},
                    node.op);
}

}  // namespace kintsugi::graph
