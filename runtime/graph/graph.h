// SPDX-License-Identifier: MIT
//
// A Graph is the record a network leaves behind: nodes in the order they were written, each an op
// with its inputs and constants. It computes nothing and owns no memory but its own description;
// the passes of runtime/plan rewrite it, and what remains is laid out and replayed. Shapes are
// inferred while recording, so a mistake surfaces on the network's own line.
#pragma once

#include <cstdint>
#include <functional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/core/shape.h"
#include "kernels/core/steps.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/norm/norm.h"
#include "kernels/pad/pad.h"
#include "kernels/partial_mask/partial_mask.h"
#include "kernels/pool/pool.h"
#include "kernels/reduce/reduce.h"
#include "kernels/resample/resample.h"

namespace kintsugi::graph {

/// A node's output; every node has one.
struct Value {
  int32_t node = -1;
  friend bool operator==(const Value&, const Value&) = default;
};

/// A tensor that depends on weights alone: an entry of Graph::constants.
struct ConstantId {
  int32_t index = -1;
  friend bool operator==(const ConstantId&, const ConstantId&) = default;
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

/// A tensor fed from outside.
struct Input {
  Shape shape;
  bool exact = false;  // f32 however activations are stored: a mask, a statistic
};

/// `partial_mask` reads masks [N, 1, H, W]; of a value [N, 2, H, W], its own or one made of it, the
/// second channel.
using Op = std::variant<Input, conv2d::Desc, conv_transpose2d::Desc, elementwise::Desc, pad::Desc,
                        norm::Desc, layer_norm::Desc, partial_mask::Desc, resample::Desc,
                        pool::Desc, reduce::Desc>;

/// One of the two operands that a value holds: row `index` of norm's [N, C, 2, 1], for each sample
/// and channel, or channel `index` of partial_mask's [N, 2, H, W], for each pixel.
struct Part {
  Value value;
  int32_t index = 0;
};

/// What a step reads: a constant, another node's output or a part of one.
using Operand = std::variant<ConstantId, Value, Part>;

/// The value that an operand is or is part of; nullptr for a constant.
[[nodiscard]] const Value* value_of(const Operand& operand);

struct Node {
  Op op;
  std::vector<Value> inputs;
  std::vector<ConstantId> weights;
  std::vector<Operand> operands;   // of the op's steps, in step order, a prologue's first
  std::vector<std::string> names;  // modules computed here, in order; the last names the output
  Shape shape;                     // [N, C, H, W]
  std::source_location where;

  [[nodiscard]] const std::string& name() const { return names.back(); }
};

struct Port {
  std::string name;
  Value value;
};

struct Graph {
  std::vector<Node> nodes;  // every input stands before its readers
  std::vector<Constant> constants;
  std::vector<Port> inputs;
  std::vector<Port> outputs;

  [[nodiscard]] const Node& node(Value value) const {
    return nodes[static_cast<size_t>(value.node)];
  }
  [[nodiscard]] Node& node(Value value) { return nodes[static_cast<size_t>(value.node)]; }
  [[nodiscard]] const Constant& constant(ConstantId id) const {
    return constants[static_cast<size_t>(id.index)];
  }

  Value input(std::string name, const Shape& shape, bool exact = false,
              std::source_location where = std::source_location::current());
  void output(std::string name, Value value) { outputs.push_back({std::move(name), value}); }
  /// Appends a node, infers its shape and checks what its steps read; throws Error::mismatch naming
  /// the network's line.
  Value record(Node node);
  /// Returns the one with the same name where there is one.
  ConstantId constant(Constant constant);
};

/// The steps an op applies to what it computed, its `epilogue` or `steps`; nullptr for an op that
/// has neither.
[[nodiscard]] Steps* steps_of(Op& op);
[[nodiscard]] const Steps* steps_of(const Op& op);

/// The steps on its input, where an op has a prologue; else nullptr.
[[nodiscard]] const Prologue* prologue_of(const Op& op);

/// Every value a node reads, inputs first.
[[nodiscard]] std::vector<Value> reads(const Node& node);
/// Calls `change` on every value a node reads.
void rewrite_reads(Node& node, const std::function<Value(Value)>& change);

[[nodiscard]] std::string to_string(const Op& op);
[[nodiscard]] int64_t flops(const Graph& graph, const Node& node);
[[nodiscard]] int64_t bytes(const Graph& graph, const Node& node, int64_t element_bytes);

}  // namespace kintsugi::graph
