// SPDX-License-Identifier: MIT
#include "runtime/graph/field.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace kintsugi::graph {
namespace {

/// On one axis: pixel i of a value reads input pixels from step * i - before to step * i + after, where
/// step = over / under.
struct Axis {
  int64_t over = 1, under = 1;
  double before = 0, after = 0;

  [[nodiscard]] double step() const {
    return static_cast<double>(over) / static_cast<double>(under);
  }
  [[nodiscard]] bool same_step(const Axis& other) const {
    return over == other.over && under == other.under;
  }
  void include(const Axis& other) {
    before = std::max(before, other.before);
    after = std::max(after, other.after);
  }
  [[nodiscard]] Axis through(int64_t kernel, int64_t stride, int64_t dilation, int64_t padding,
                             int64_t upscale) const {
    const double one = step() / static_cast<double>(upscale);
    const int64_t last = dilation * (kernel - 1) - padding;
    const int64_t shared = std::gcd(over * stride, under * upscale);
    return {over * stride / shared, under * upscale / shared,
            before + one * static_cast<double>(padding), after + one * static_cast<double>(last)};
  }
};

/// What a value reads of the input.
struct Read {
  enum class Kind : uint8_t { nothing, window, everything } kind = Kind::nothing;
  Axis y, x;
  int64_t stride = 1;  // of all values on the way

  void join(const Read& other) {
    if (other.kind == Kind::nothing || kind == Kind::everything) return;
    if (kind == Kind::nothing) {
      *this = other;
      return;
    }
    if (other.kind == Kind::everything || !y.same_step(other.y) || !x.same_step(other.x)) {
      kind = Kind::everything;
      return;
    }
    y.include(other.y);
    x.include(other.x);
    stride = std::lcm(stride, other.stride);
  }
};

Read through(Read read, const Reach& reach) {
  if (read.kind != Read::Kind::window) return read;
  if (!reach) return {.kind = Read::Kind::everything};
  const Window& w = *reach;
  read.y = read.y.through(w.kernel.h, w.stride.h, w.dilation.h, w.padding.h, w.upscale.h);
  read.x = read.x.through(w.kernel.w, w.stride.w, w.dilation.w, w.padding.w, w.upscale.w);
  read.stride = std::lcm(read.stride, std::lcm(read.y.over, read.x.over));
  return read;
}

int64_t pixels(double distance) {
  constexpr double kRounding = 1e-6;  // of steps that are no binary fraction
  return std::max<int64_t>(0, static_cast<int64_t>(std::ceil(distance - kRounding)));
}

}  // namespace

std::optional<Field> field(const Graph& graph, Value input, Value output) {
  std::vector<Read> reads_of(graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    Read& read = reads_of[i];
    const AnyOp* op = node.op();
    if (op == nullptr) {
      if (static_cast<int32_t>(i) == input.node) {
        read.kind = Read::Kind::window;
      } else if (std::get<Input>(node.does).state.index >= 0) {
        read.kind = Read::Kind::everything;
      }
      continue;
    }
    for (const Value& value : node.inputs) {
      read.join(through(reads_of[static_cast<size_t>(value.node)], op->reach()));
    }
    for (const Operand& operand : node.operands) {
      const auto* value = std::get_if<Value>(&operand);
      if (value != nullptr) read.join(reads_of[static_cast<size_t>(value->node)]);
    }
  }
  const Read& read = reads_of.at(static_cast<size_t>(output.node));
  if (read.kind == Read::Kind::nothing) return Field{};
  // Output pixels that share an input pixel stand up to 1 - step behind it.
  if (read.kind == Read::Kind::everything || read.y.over != 1 || read.x.over != 1) return {};
  return Field{.above = pixels(read.y.before),
               .left = pixels(read.x.before),
               .below = pixels(read.y.after + 1 - read.y.step()),
               .right = pixels(read.x.after + 1 - read.x.step()),
               .stride = read.stride};
}

}  // namespace kintsugi::graph
