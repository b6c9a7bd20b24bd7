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
bool fits(Extent extent, const Graph& graph, const Operand& operand, const Shape& value) {
  const Value* other = value_of(operand);
  if (other == nullptr) {
    const Shape& shape = graph.constant(std::get<ConstantId>(operand)).shape;
    return extent == Extent::channel && shape == Shape({value.c()});
  }
  const Shape& shape = graph.node(*other).shape;
  const auto* part = std::get_if<Part>(&operand);
  if (part != nullptr && (part->index < 0 || part->index > 1)) return false;
  const int64_t parts = part != nullptr ? 2 : 1;
  switch (extent) {
    case Extent::scalar: return false;
    case Extent::channel: return part == nullptr && shape == Shape({value.c()});
    case Extent::sample_channel: return shape == Shape({value.n(), value.c(), parts, 1});
    case Extent::pixel: return shape == Shape({value.n(), parts, value.h(), value.w()});
    case Extent::tensor: return part == nullptr && shape == value;
  }
  return false;
}

/// Every step of a list whose result has `shape` finds its operands, each of the shape its extent
/// asks for; `operands` loses those it read.
void check_operands(const Graph& graph, const Steps& steps, Shape shape,
                    std::span<const Operand>& operands) {
  for (int s = 0; s < steps.size(); ++s) {
    const int64_t channels = s < steps.gate() ? 2 * shape.c() : shape.c();
    const Shape value{shape.n(), channels, shape.h(), shape.w()};
    for (int i = 0; i < steps[s].operand_count(); ++i) {
      const Operand& operand = operands.front();
      operands = operands.subspan(1);
      if (fits(steps[s].extent, graph, operand, value)) continue;
      const Value* other = value_of(operand);
      const Shape& found = other != nullptr ? graph.node(*other).shape
                                            : graph.constant(std::get<ConstantId>(operand)).shape;
      throw Error(ErrorCode::mismatch, "the step '" + kintsugi::to_string(Steps{steps[s]}) +
                                           "' cannot read " + found.to_string() + " beside " +
                                           value.to_string());
    }
  }
}

void check_operands(const Graph& graph, const Node& node) {
  const Prologue* prologue = prologue_of(node.op);
  const Steps none;
  const Steps& before = prologue != nullptr ? prologue->steps : none;
  const Steps& behind = steps_of(node.op) != nullptr ? *steps_of(node.op) : none;
  const int wanted = before.operand_count() + behind.operand_count();
  if (wanted != static_cast<int>(node.operands.size())) {
    throw Error(ErrorCode::mismatch, "its steps read " + std::to_string(wanted) +
                                         " operands, not " + std::to_string(node.operands.size()));
  }
  std::span<const Operand> operands = node.operands;
  if (!before.empty()) check_operands(graph, before, graph.node(node.inputs[0]).shape, operands);
  check_operands(graph, behind, node.shape, operands);
}

/// What an op's contract is asked about: the shape of its first input, of masks the plane.
Shape shape_read(const Graph& graph, const Node& node) {
  const auto plane = [&](Value value) {
    const Shape& s = graph.node(value).shape;
    return s.rank() == 4 && s.c() == 2 ? Shape{s.n(), 1, s.h(), s.w()} : s;
  };
  const auto* mask = std::get_if<partial_mask::Desc>(&node.op);
  if (mask == nullptr) return graph.node(node.inputs[0]).shape;
  if (static_cast<int>(node.inputs.size()) != mask->planes() ||
      !(plane(node.inputs.front()) == plane(node.inputs.back()))) {
    throw Error(ErrorCode::mismatch,
                to_string(*mask) + " reads as many masks as it names, of one size");
  }
  return plane(node.inputs[0]);
}

}  // namespace

const Value* value_of(const Operand& operand) {
  if (const auto* part = std::get_if<Part>(&operand)) return &part->value;
  return std::get_if<Value>(&operand);
}

Value Graph::input(std::string name, const Shape& shape, bool exact, std::source_location where) {
  const Value value = record({.op = Input{shape, exact},
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
    node.shape = std::visit(
        Overloaded{[](const Input& op) { return op.shape; },
                   [&](const auto& op) { return output_shape(op, shape_read(*this, node)); }},
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

const Prologue* prologue_of(const Op& op) {
  return std::visit(
      [](const auto& desc) -> const Prologue* {
        if constexpr (requires { desc.prologue; }) return &desc.prologue;
        return nullptr;
      },
      op);
}

std::vector<Value> reads(const Node& node) {
  std::vector<Value> values = node.inputs;
  for (const Operand& operand : node.operands) {
    if (const Value* value = value_of(operand)) values.push_back(*value);
  }
  return values;
}

void rewrite_reads(Node& node, const std::function<Value(Value)>& change) {
  for (Value& value : node.inputs) value = change(value);
  for (Operand& operand : node.operands) {
    if (Value* value = std::get_if<Value>(&operand)) *value = change(*value);
    if (Part* part = std::get_if<Part>(&operand)) part->value = change(part->value);
  }
}

std::string to_string(const Op& op) {
  return std::visit(
      Overloaded{[](const Input& input) { return "input " + input.shape.to_string(); },
                 [](const auto& desc) { return to_string(desc); }},
      op);
}

int64_t flops(const Graph& graph, const Node& node) {
  return std::visit(Overloaded{[](const Input&) { return int64_t{0}; },
                               [&](const auto& op) { return flops(op, shape_read(graph, node)); }},
                    node.op);
}

int64_t bytes(const Graph& graph, const Node& node, int64_t element_bytes) {
  return std::visit(
      Overloaded{[](const Input&) { return int64_t{0}; },
                 [&](const auto& op) { return bytes(op, shape_read(graph, node), element_bytes); }},
      node.op);
}

}  // namespace kintsugi::graph
