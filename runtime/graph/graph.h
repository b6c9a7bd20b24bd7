// SPDX-License-Identifier: MIT
//
// A Graph is the record of a network: nodes in the order they were written, each an op with its inputs
// and constants. It computes nothing and owns no memory but its own description; the passes of
// runtime/plan rewrite it, and what remains is laid out and replayed. Shapes are inferred while
// recording, so a mistake surfaces on the network's own line.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "kernels/contract/any_op.h"
#include "kernels/core/dtype.h"
#include "kernels/core/shape.h"

namespace kintsugi::graph {

/// One output of a node.
struct Value {
  int32_t node = -1;
  int32_t output = 0;
  friend bool operator==(const Value&, const Value&) = default;
};

/// A tensor that depends on weights alone: an entry of Graph::constants.
struct ConstantId {
  int32_t index = -1;
  friend bool operator==(const ConstantId&, const ConstantId&) = default;
};

/// A tensor that outlives a replay: an entry of Graph::states.
struct StateId {
  int32_t index = -1;
  friend bool operator==(const StateId&, const StateId&) = default;
};

/// Stored in the checkpoint, or computed once from other constants, in double.
struct Constant {
  /// Values of the sources, in order, to the values of this constant.
  using Formula = std::function<std::vector<double>(std::span<const std::vector<double>>)>;

  std::string name;  // a stored constant's key, or a derived one's whole formula: its identity
  Shape shape;
  std::vector<ConstantId> sources;  // empty when stored
  Formula formula;                  // empty when stored
  std::source_location where;
};

/// Declared once beside all graphs of a program. A ring is several entries of one shape.
struct State {
  std::string name;
  Shape shape;         // of an entry, [N, C, H, W]
  bool exact = false;  // f32 however activations are stored
  int64_t entries = 1;
};

/// A node that computes nothing: a tensor fed from outside, or what a state's entry holds.
struct Input {
  Shape shape;
  bool exact = false;            // f32 however activations are stored: a mask, a statistic
  std::optional<DType> samples;  // u8 or u16, of an image that is not a tensor yet
  StateId state;                 // index -1: none
  int64_t entry = 0;
};

/// What a step reads: a constant or another node's output.
using Operand = std::variant<ConstantId, Value>;

struct Node {
  std::variant<AnyOp, Input> does;
  std::vector<Value> inputs;
  std::vector<ConstantId> weights;
  std::vector<Operand> operands;   // of the op's steps, in step order, a prologue's first
  std::vector<std::string> names;  // modules computed here, in order; the last names the outputs
  Shapes shapes;                   // of the outputs, [N, C, H, W]
  std::source_location where;
  // By the pass `types`: what the kernel computes in, and how each output is stored.
  DType dtype = DType::f32;
  std::vector<DType> types;

  [[nodiscard]] const std::string& name() const { return names.back(); }
  [[nodiscard]] const AnyOp* op() const { return std::get_if<AnyOp>(&does); }
  [[nodiscard]] AnyOp* op() { return std::get_if<AnyOp>(&does); }
  /// The op's description where it is of this op, else null.
  template <class Desc>
  [[nodiscard]] const Desc* as() const {
    return op() != nullptr ? op()->as<Desc>() : nullptr;
  }
};

struct Port {
  std::string name;
  Value value;
};

/// At the end of a replay an entry of a state holds `value`.
struct Write {
  StateId state;
  int64_t entry = 0;
  Value value;
};

struct Graph {
  std::vector<Node> nodes;  // every input stands before its readers
  std::vector<Constant> constants;
  std::vector<State> states;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<Write> writes;

  [[nodiscard]] const Node& node(Value value) const {
    return nodes[static_cast<size_t>(value.node)];
  }
  [[nodiscard]] Node& node(Value value) { return nodes[static_cast<size_t>(value.node)]; }
  [[nodiscard]] const Shape& shape(Value value) const {
    return node(value).shapes[static_cast<size_t>(value.output)];
  }
  /// Whether it holds records of kernels/core/moments.h, which stand without gaps.
  [[nodiscard]] bool is_moments(Value value) const {
    const AnyOp* op = node(value).op();
    return op != nullptr && op->makes(value.output) == Stored::moments;
  }
  [[nodiscard]] const Constant& constant(ConstantId id) const {
    return constants[static_cast<size_t>(id.index)];
  }
  [[nodiscard]] Shapes shapes(std::span<const Value> values) const;

  Value input(std::string name, const Shape& shape, bool exact = false,
              std::source_location where = std::source_location::current());
  /// Samples of an image or a mask [N, C, H, W], for kernels/to_tensor: u8 or u16.
  Value image(std::string name, const Shape& shape, DType samples);
  void output(std::string name, Value value) { outputs.push_back({std::move(name), value}); }
  /// Declares a state. Graphs of one program declare the same states in the same order. Throws
  /// Error::mismatch for a second one of the name, or a shape that is none.
  StateId state(State state);
  /// What an entry holds when a replay begins. Throws Error::mismatch for an entry beyond the ring.
  Value read(StateId state, int64_t entry = 0,
             std::source_location where = std::source_location::current());
  /// What it holds after the replay. Throws Error::mismatch where shapes differ, or where the entry is
  /// written twice.
  void write(StateId state, Value value, int64_t entry = 0);
  /// Appends a node, infers its shapes and checks its weights and what its steps read; throws
  /// Error::mismatch naming the network's line. Returns its first output.
  Value record(Node node);
  /// Returns the one with the same name where there is one.
  ConstantId constant(Constant constant);
  /// Puts a node behind all others as it is, its shapes known; returns its first output.
  Value append(Node node);

 private:
  std::unordered_map<std::string, int32_t> constant_names_;
};

/// Every value a node reads, inputs first.
[[nodiscard]] std::vector<Value> reads(const Node& node);
/// Calls `change` on every value a node reads.
void rewrite_reads(Node& node, const std::function<Value(Value)>& change);
/// The same of all nodes, outputs and writes of a graph.
void rewrite_ends(Graph& graph, const std::function<Value(Value)>& change);

/// Builds the nodes anew: `each(node, number)` is called for every node in order, which reads the new
/// values already, may append nodes, and returns the value that replaces the node's first output. Ports
/// and writes follow; inputs that `each` records stand before those there were.
template <class Each>
void rebuild(Graph& graph, const Each& each) {
  std::vector<Node> before = std::exchange(graph.nodes, {});
  const std::vector<Port> inputs = std::exchange(graph.inputs, {});
  std::vector<Value> moved(before.size());
  const auto move = [&](Value v) {
    const Value to = moved[static_cast<size_t>(v.node)];
    return Value{to.node, to.output + v.output};
  };
  for (size_t i = 0; i < before.size(); ++i) {
    rewrite_reads(before[i], move);
    moved[i] = each(std::move(before[i]), i);
  }
  for (const Port& port : inputs) graph.inputs.push_back({port.name, move(port.value)});
  rewrite_ends(graph, move);
}

/// "conv2d 3x3 64->64", "input [1, 3, 64, 64]"
[[nodiscard]] std::string to_string(const Node& node);

}  // namespace kintsugi::graph
