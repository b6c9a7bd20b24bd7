// SPDX-License-Identifier: MIT
//
// Random graphs: what a seed draws, over every op of numbers, step and extent, with values that several nodes
// read, residuals in either spelling and several outputs. A graph is numerically tame: weights are
// small, norms are frequent, and constants and inputs have at most seven bits, so that every storage
// type holds them exactly. The same seed is the same graph on every machine. What computes the right
// value of such a graph is graph_judge.h; random_graphs_test.cpp plans and runs them.
//
// Nodes are made by the functions of the section "How nodes are made" alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kernels/concat/concat.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/copy/copy.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/norm/norm.h"
#include "kernels/pad/pad.h"
#include "kernels/partial_mask/partial_mask.h"
#include "kernels/pool/pool.h"
#include "kernels/reduce/reduce.h"
#include "kernels/resample/resample.h"
#include "runtime/graph/graph.h"

namespace kintsugi::test {

/// A number of its own for each seed and index; splitmix64's finaliser.
[[nodiscard]] inline uint64_t scramble(uint64_t seed, uint64_t index) {
  uint64_t z = seed * 0x9e3779b97f4a7c15u + (index + 1) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// A multiple of 1/64 in [-1, 1].
[[nodiscard]] inline double seven_bits(uint64_t seed, uint64_t index) {
  return static_cast<double>(static_cast<int64_t>(scramble(seed, index) % 129) - 64) / 64;
}

/// How a plan of 16 bits has to store what a node makes, and compute it (runtime/plan/types.cpp, said
/// again): `kernel` where the node computes in f32 because all that it reads is exact, `made` where its
/// outputs are exact.
struct Exactness {
  bool kernel = false, made = false;
};
[[nodiscard]] inline Exactness exactness(const graph::Node& node,
                                         const std::vector<Exactness>& before) {
  const auto exact = [&](graph::Value v) { return before[static_cast<size_t>(v.node)].made; };
  if (node.op() == nullptr) {
    const bool is = std::get<graph::Input>(node.does).exact;
    return {is, is};
  }
  if (node.as<partial_mask::Desc>() != nullptr) return {true, true};
  bool all = std::ranges::all_of(node.inputs, exact);
  size_t next = 0;
  for (const Step& step : node.op()->steps() != nullptr ? *node.op()->steps() : Steps()) {
    for (int i = 0; i < step.operand_count(); ++i) {
      const auto* value = std::get_if<graph::Value>(&node.operands[next++]);
      if (value != nullptr && step.extent == Extent::tensor) all = all && exact(*value);
    }
  }
  return {all, all || node.as<norm::Desc>() != nullptr};
}

class RandomGraph {
 public:
  graph::Graph graph;
  uint64_t seed;
  /// Has a convolution large enough for Winograd's form, too large for an emulated GPU.
  bool wide = false;
  /// May read a stored value as an operand below a tensor, or an exact one as an image.
  bool mixes = false;

  explicit RandomGraph(uint64_t number) : RandomGraph(number, {}) {}
  /// Of a program that has `states` already: reads every entry of them, and declares no others.
  RandomGraph(uint64_t number, const std::vector<graph::State>& states)
      : seed(number), engine_(number) {
    draw(states);
  }

  /// One element of an input, or of an entry of a state before a run, which bear a name: masks are 0 or
  /// 1, with a hole; all else has seven bits.
  [[nodiscard]] float input(const std::string& name, const graph::Input& of, int64_t n, int64_t c,
                            int64_t y, int64_t x) const;
  /// The nodes, one a line, and the outputs.
  [[nodiscard]] std::string text() const;

 private:
  using Value = graph::Value;
  using Operands = std::vector<graph::Operand>;

  // Chance.
  int64_t pick(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  bool one_in(int64_t n) { return pick(1, n) == 1; }
  template <class T>
  T one_of(std::initializer_list<T> choices) {
    return choices.begin()[pick(0, static_cast<int64_t>(choices.size()) - 1)];
  }
  Function function() {
    while (true) {  // rsqrt has no value below zero
      const Function any =
          kFunctions[static_cast<size_t>(pick(0, static_cast<int64_t>(kFunctions.size()) - 1))];
      if (any != Function::rsqrt) return any;
    }
  }

  // How nodes are made.
  [[nodiscard]] const Shape& shape(Value value) const { return graph.shape(value); }
  [[nodiscard]] bool exact(Value value) const {
    return exact_[static_cast<size_t>(value.node)].made;
  }
  Value input(const Shape& of, bool is_exact_input) {
    const Value value = graph.input("in" + std::to_string(graph.inputs.size()), of, is_exact_input);
    exact_.push_back(exactness(graph.node(value), exact_));
    return value;
  }
  /// Multiples of 1/64 in [-1, 1] times a power of two near `scale`, plus `offset`.
  graph::ConstantId constant(const Shape& of, double scale, double offset = 0) {
    const uint64_t own = scramble(seed, graph.constants.size());
    const double power = std::exp2(std::round(std::log2(scale)));
    const auto count = static_cast<uint64_t>(of.elements());
    return graph.constant({.name = "c" + std::to_string(graph.constants.size()),
                           .shape = of,
                           .sources = {},
                           .formula =
                               [=](auto) {
                                 std::vector<double> values;
                                 for (uint64_t i = 0; i < count; ++i) {
                                   values.push_back(power * seven_bits(own, i) + offset);
                                 }
                                 return values;
                               },
                           .where = {}});
  }
  Value record(const char* kind, std::vector<Value> inputs, AnyOp op,
               std::vector<graph::ConstantId> weights = {}, Operands operands = {}) {
    const Value value = graph.record({.does = std::move(op),
                                      .inputs = std::move(inputs),
                                      .weights = std::move(weights),
                                      .operands = std::move(operands),
                                      .names = {kind + std::to_string(graph.nodes.size())},
                                      .where = {}});
    exact_.push_back(exactness(graph.node(value), exact_));
    return value;
  }
  /// Of statistics, which are a norm's scale, or of a mask, which is what partial_mask calls valid, the
  /// other output.
  static Value shift_of(Value scale) { return {scale.node, 1}; }
  static Value ratio_of(Value valid) { return {valid.node, 0}; }
  /// What partial_mask makes, by its mask.
  Value partial_mask(std::vector<Value> planes, const kintsugi::partial_mask::Desc& desc) {
    return {record("mask", std::move(planes), desc).node, 1};
  }
  /// What a state holds before a run; something of its shape is written at the end.
  Value state(const Shape& of);
  Value read(graph::StateId state, int64_t entry) {
    const Value value = graph.read(state, entry);
    exact_.push_back(exactness(graph.node(value), exact_));
    return value;
  }

  // What is drawn. What takes a picture draws something behind it, and returns the last.
  void draw(const std::vector<graph::State>& states);
  void draw_something();
  void draw_outputs();
  Value any();
  Value keep(Value value);
  [[nodiscard]] bool roomy(int64_t height, int64_t width) const;
  std::vector<Value> like(Value x);
  std::optional<Operands> operands(Value x, const Step& step, int64_t channels);
  std::optional<graph::Operand> operand(Value x, Extent extent, int64_t channels, bool factor);
  [[nodiscard]] Value among(const std::vector<Value>& values) {
    return values[static_cast<size_t>(pick(0, static_cast<int64_t>(values.size()) - 1))];
  }
  [[nodiscard]] std::vector<Value> of_shape(const std::vector<Value>& values,
                                            const Shape& wanted) const;
  Value vector(Value x, int64_t channels);
  Step some_step();
  Value apply(Value x, const Step& step, Operands operands);
  Value apply(Value x, const Step& step);
  Value some_steps(Value x);
  Value chain(Value x);
  Value convolve(Value x, conv2d::Desc desc, std::optional<graph::ConstantId> weight = {});
  Value same_size(Value x, int64_t channels);
  Value some_conv(Value x);
  Value twins(Value x);
  Value read_through(Value x);
  Value some_deconv(Value x);
  Value winograd(Value x);
  Value behind(Value x);
  Value residual(Value x);
  Value some_pad(Value x);
  Value some_resample(Value x);
  Value statistics(Value x);
  Value some_norm(Value x);
  Value some_layer_norm(Value x);
  Value some_concat(Value x);
  Value dense(Value x);
  Value many(Value x);
  Value some_slice(Value x);
  void write_states();
  Value some_pool(Value x);
  Value some_reduce(Value x);
  Value gated(Value x);
  Value mask_for(const Shape& of);
  Value partial(Value x);
  void another_mask();
  void norm_of_two();

  std::mt19937_64 engine_;
  bool declares_ = true;          // states, where a program has none yet
  std::vector<Exactness> exact_;  // of every node
  std::vector<Value> pool_;       // pictures that later nodes may read
  std::vector<Value> masks_;      // exact planes [N, 1, H, W]
  std::vector<Value> norms_;      // scales of statistics
  std::vector<Value> ends_;       // what nothing later need read, for outputs
};

inline float RandomGraph::input(const std::string& name, const graph::Input& of, int64_t n,
                                int64_t c, int64_t y, int64_t x) const {
  const Shape& shape = of.shape;
  const auto index = static_cast<uint64_t>(((n * shape.c() + c) * shape.h() + y) * shape.w() + x);
  uint64_t own = scramble(seed, static_cast<uint64_t>(of.entry));
  for (const char letter : name) own = scramble(own, static_cast<unsigned char>(letter));
  if (!of.exact || shape.c() != 1) return static_cast<float>(seven_bits(own, index));
  const bool hole = 2 * y < shape.h() && 2 * x < shape.w();  // windows of which nothing is known
  return !hole && scramble(own, index) % 4 != 0 ? 1.0f : 0.0f;
}

inline std::string RandomGraph::text() const {
  const auto value = [&](Value v) {
    return graph.node(v).name() + (v.output > 0 ? "." + std::to_string(v.output) : "");
  };
  const auto operand = [&](const graph::Operand& o) {
    const auto* whole = std::get_if<Value>(&o);
    return whole != nullptr ? value(*whole) : graph.constant(std::get<graph::ConstantId>(o)).name;
  };
  std::string all = "graph of seed " + std::to_string(seed) + "\n";
  for (const graph::Node& node : graph.nodes) {
    all += "  " + node.name() + " " + node.shapes[0].to_string() + " = " + graph::to_string(node);
    for (const Value v : node.inputs) all += " of " + value(v);
    for (const graph::ConstantId id : node.weights) all += ", weight " + graph.constant(id).name;
    const Steps* list = node.op() != nullptr ? node.op()->steps() : nullptr;
    if (list != nullptr && !list->empty()) {
      all += ", steps: " + to_string(*list);
    }
    for (size_t i = 0; i < node.operands.size(); ++i) {
      all += (i == 0 ? " with " : ", ") + operand(node.operands[i]);
    }
    all += "\n";
  }
  for (const graph::Port& port : graph.outputs) {
    all += "  output " + port.name + " = " + value(port.value) + "\n";
  }
  for (const graph::Write& write : graph.writes) {
    all += "  state " + graph.states[static_cast<size_t>(write.state.index)].name + " " +
           std::to_string(write.entry) + " = " + value(write.value) + "\n";
  }
  return all;
}

}  // namespace kintsugi::test
