// SPDX-License-Identifier: MIT
#include "runtime/graph/graph.h"

#include <algorithm>

#include "runtime/weights/source_line.h"

namespace kintsugi::graph {
namespace {

/// "conv1 (runtime/networks/glcic/net.cpp:44)"; nodes of no network have no line.
std::string where_of(const Node& node) {
  if (node.where.line() == 0) return node.name();
  return node.name() + " (" + weights::source_line(node.where) + ")";
}

/// Whether a step's operand has the shape that it needs beside a value [N, C, H, W]; a constant has no
/// batch axis.
bool fits(Extent extent, const Graph& graph, const Operand& operand, const Shape& value) {
  const auto* other = std::get_if<Value>(&operand);
  if (other == nullptr) {
    const Shape& shape = graph.constant(std::get<ConstantId>(operand)).shape;
    return extent == Extent::channel && shape == Shape({value.c()});
  }
  const Shape& shape = graph.shape(*other);
  switch (extent) {
    case Extent::scalar: return false;
    case Extent::channel: return shape == Shape({1, value.c(), 1, 1});
    case Extent::sample_channel: return shape == Shape({value.n(), value.c(), 1, 1});
    case Extent::pixel: return shape == Shape({value.n(), 1, value.h(), value.w()});
    case Extent::tensor: return shape == value;
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
      const auto* other = std::get_if<Value>(&operand);
      const Shape& found = other != nullptr ? graph.shape(*other)
                                            : graph.constant(std::get<ConstantId>(operand)).shape;
      throw Error(ErrorCode::mismatch, "the step '" + kintsugi::to_string(Steps{steps[s]}) +
                                           "' cannot read " + found.to_string() + " beside " +
                                           value.to_string());
    }
  }
}

void check_operands(const Graph& graph, const Node& node) {
  const Steps none;
  const Prologue* prologue = node.op()->prologue();
  const Steps& before = prologue != nullptr ? prologue->steps : none;
  const Steps& behind = node.op()->steps() != nullptr ? *node.op()->steps() : none;
  const int wanted = before.operand_count() + behind.operand_count();
  if (wanted != static_cast<int>(node.operands.size())) {
    throw Error(ErrorCode::mismatch, "its steps read " + std::to_string(wanted) +
                                         " operands, not " + std::to_string(node.operands.size()));
  }
  std::span<const Operand> operands = node.operands;
  if (!before.empty()) check_operands(graph, before, graph.shape(node.inputs[0]), operands);
  check_operands(graph, behind, node.shapes[0], operands);
}

void check_count(const Node& node) {
  const std::vector<Value>& inputs = node.inputs;
  const int wanted = node.op()->inputs();
  if (wanted < 0 ? inputs.empty() : static_cast<int>(inputs.size()) != wanted) {
    throw Error(ErrorCode::mismatch, to_string(node) + " reads " +
                                         (wanted < 0 ? "at least 1" : std::to_string(wanted)) +
                                         " inputs, not " + std::to_string(inputs.size()));
  }
}

void check_weights(const Graph& graph, const Node& node, ShapeSpan inputs) {
  const Shapes weights = node.op()->weights(inputs);
  const bool fit = std::ranges::equal(
      weights, node.weights,
      [&](const Shape& shape, ConstantId id) { return graph.constant(id).shape == shape; });
  if (!fit) throw Error(ErrorCode::mismatch, to_string(node) + " has other weights");
}

}  // namespace

Shapes Graph::shapes(std::span<const Value> values) const {
  Shapes all;
  all.reserve(values.size());
  for (const Value value : values) all.push_back(shape(value));
  return all;
}

Value Graph::input(std::string name, const Shape& shape, bool exact, std::source_location where) {
  const Value value =
      record({.does = Input{.shape = shape, .exact = exact, .samples = {}, .state = {}},
              .names = {name},
              .where = where});
  inputs.push_back({std::move(name), value});
  return value;
}

Value Graph::image(std::string name, const Shape& shape, DType samples) {
  if (!is_samples(samples)) throw Error(ErrorCode::internal, "samples are of u8 or u16");
  const Value value = input(std::move(name), shape, false, {});
  std::get<Input>(node(value).does).samples = samples;
  return value;
}

StateId Graph::state(State state) {
  if (state.entries < 1 || state.shape.rank() != 4 || state.shape.elements() == 0) {
    throw Error(
        ErrorCode::mismatch,
        "the state '" + state.name + "' is not [N, C, H, W] with an element, of one entry or more");
  }
  if (std::ranges::find(states, state.name, &State::name) != states.end()) {
    throw Error(ErrorCode::mismatch, "two states are called '" + state.name + "'");
  }
  states.push_back(std::move(state));
  return {static_cast<int32_t>(states.size()) - 1};
}

Value Graph::read(StateId id, int64_t entry, std::source_location where) {
  const State& of = states[static_cast<size_t>(id.index)];
  if (entry < 0 || entry >= of.entries) {
    throw Error(ErrorCode::mismatch, "the state '" + of.name + "' has " +
                                         std::to_string(of.entries) +
                                         " entries, none with number " + std::to_string(entry));
  }
  return record(
      {.does = Input{of.shape, of.exact, {}, id, entry}, .names = {of.name}, .where = where});
}

void Graph::write(StateId id, Value value, int64_t entry) {
  const State& to = states[static_cast<size_t>(id.index)];
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::mismatch, "the state '" + to.name + "' " + why);
  };
  if (!(shape(value) == to.shape)) {
    refuse("holds " + to.shape.to_string() + ", not " + shape(value).to_string());
  }
  if (entry < 0 || entry >= to.entries) {
    refuse("has " + std::to_string(to.entries) + " entries, none with number " +
           std::to_string(entry));
  }
  if (std::ranges::any_of(writes,
                          [&](const Write& w) { return w.state == id && w.entry == entry; })) {
    refuse("is written twice");
  }
  writes.push_back({id, entry, value});
}

Value Graph::record(Node node) {
  try {
    if (const auto* input = std::get_if<Input>(&node.does)) {
      node.shapes = {input->shape};
    } else {
      check_count(node);
      const Shapes in = shapes(node.inputs);
      node.shapes = node.op()->outputs(in);
      check_weights(*this, node, in);
      check_operands(*this, node);
    }
  } catch (const Error& error) {
    throw Error(error.code(), where_of(node) + ": " + error.what(), error.hint());
  }
  return append(std::move(node));
}

Value Graph::append(Node node) {
  nodes.push_back(std::move(node));
  return {static_cast<int32_t>(nodes.size()) - 1};
}

ConstantId Graph::constant(Constant constant) {
  const auto [at, is_new] =
      constant_names_.try_emplace(constant.name, static_cast<int32_t>(constants.size()));
  if (is_new) constants.push_back(std::move(constant));
  return {at->second};
}

std::vector<Value> reads(const Node& node) {
  std::vector<Value> values = node.inputs;
  for (const Operand& operand : node.operands) {
    if (const auto* value = std::get_if<Value>(&operand)) values.push_back(*value);
  }
  return values;
}

void rewrite_reads(Node& node, const std::function<Value(Value)>& change) {
  for (Value& value : node.inputs) value = change(value);
  for (Operand& operand : node.operands) {
    if (auto* value = std::get_if<Value>(&operand)) *value = change(*value);
  }
}

void rewrite_ends(Graph& graph, const std::function<Value(Value)>& change) {
  for (Port& port : graph.outputs) port.value = change(port.value);
  for (Write& write : graph.writes) write.value = change(write.value);
}

std::string to_string(const Node& node) {
  if (node.op() != nullptr) return kintsugi::to_string(*node.op());
  const auto& input = std::get<Input>(node.does);
  return (input.state.index < 0 ? "input " : "state ") + input.shape.to_string();
}

}  // namespace kintsugi::graph
