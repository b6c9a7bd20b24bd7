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

}  // namespace

Value Graph::input(std::string name, const Shape& shape) {
  const Value value = record({.op = Input{shape},
                              .inputs = {},
                              .weights = {},
                              .operands = {},
                              .names = {name},
                              .shape = {},
                              .where = std::source_location::current()});
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
  } catch (const Error& error) {
    throw Error(error.code(),
                node.name() + " (" + weights::source_line(node.where) + "): " + error.what(),
                error.hint());
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
  return std::visit(Overloaded{[](const conv2d::Desc& desc) { return &desc.epilogue; },
                               [](const conv_transpose2d::Desc& desc) { return &desc.epilogue; },
                               [](const elementwise::Desc& desc) { return &desc.steps; },
                               [](const auto&) { return static_cast<const Steps*>(nullptr); }},
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
