// SPDX-License-Identifier: MIT
#include "runtime/program/field.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <variant>

namespace kintsugi::program {
namespace {

using graph::Graph;
using graph::Input;
using graph::Node;
using graph::Operand;
using graph::Value;

/// More phases than a network has; a graph with more is taken for one that reads the whole image.
constexpr int64_t kMaxPhases = 1024;

int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

struct Reaches {
  int64_t before = 0, after = 0;
};

/// The first and the last input pixel that a pixel of a value depends on, along an axis. Pixels of
/// different phases differ: of an image enlarged by two, the even ones and the odd ones.
class Axis {
 public:
  [[nodiscard]] int64_t phases() const { return static_cast<int64_t>(first_.size()); }
  /// Input pixels for phases() pixels of the value.
  [[nodiscard]] int64_t step() const { return step_; }

  /// Of all pixels: how far before the first and after the last input pixel that one stands on.
  [[nodiscard]] Reaches reaches() const {
    Reaches out;
    int64_t between =
        std::numeric_limits<int64_t>::max();  // the first and the last that it stands on
    for (int64_t i = 0; i < phases(); ++i) {
      out.before = std::max(out.before, stands(i) - first(i));
      out.after = std::max(out.after, last(i) - ends(i));
      between = std::min(between, ends(i) - stands(i));
    }
    if (!mirrored_) return out;
    return {std::max(out.before, out.after + mirrored_->before - between),
            std::max(out.after, out.before + mirrored_->after - between)};
  }

  /// The value as an op reads it that mirrors it beyond its border; `extent` is the value's, `whole` the
  /// input's. A pixel beyond the border depends on what its mirror image depends on. That is about as
  /// far inside as the pixel is outside: mirrored_ holds how much farther.
  [[nodiscard]] Axis mirrored(int64_t extent, int64_t whole) const {
    const Reaches own = reaches();
    Reaches farther = {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::min()};
    for (int64_t i = 0; i < phases(); ++i) {
      const int64_t low = -i, high = 2 * (extent - 1) - i;  // mirror images of i
      farther.after =
          std::max(farther.after, std::max(last(low), ends(low) + own.after) + first(i));
      farther.before =
          std::max(farther.before,
                   2 * (whole - 1) - last(i) - std::min(first(high), stands(high) - own.before));
    }
    Axis out = *this;
    out.mirror(farther);
    return out;
  }

  /// What the output of an op depends on that reads this value through a window; nothing for too many
  /// phases.
  [[nodiscard]] std::optional<Axis> through(int64_t kernel, int64_t stride, int64_t dilation,
                                            int64_t padding, bool transposed) const {
    Axis out = *this;
    int64_t count = 0;
    if (transposed) {
      count = checked_multiply(phases(), stride);
    } else {
      count = phases() / std::gcd(phases(), stride);
      out.step_ = checked_multiply(step_, checked_multiply(count, stride) / phases());
    }
    if (count > kMaxPhases) return {};
    out.clear(count);
    for (int64_t i = 0; i < count; ++i) {
      const auto read = [&](int64_t j) { out.add(i, first(j), last(j)); };
      bool any = false;
      for (int64_t t = 0; t < kernel; ++t) {
        const int64_t tap = t * dilation - padding;
        if (transposed && (i - tap) % stride != 0) continue;
        read(transposed ? (i - tap) / stride : i * stride + tap);
        any = true;
      }
      if (!any) read(i / stride);  // a zero, where the stride is beyond the kernel
    }
    return out;
  }

  /// Of a value made of both, pixel by pixel; nothing where their pixels are not of one size.
  [[nodiscard]] std::optional<Axis> joined(const Axis& other) const {
    if (checked_multiply(step_, other.phases()) != checked_multiply(other.step_, phases())) {
      return {};
    }
    const int64_t count = std::lcm(phases(), other.phases());
    if (count > kMaxPhases) return {};
    Axis out = *this;
    out.step_ = step_ * (count / phases());
    out.clear(count);
    for (int64_t i = 0; i < count; ++i) {
      out.add(i, first(i), last(i));
      out.add(i, other.first(i), other.last(i));
    }
    if (other.mirrored_) out.mirror(*other.mirrored_);
    return out;
  }

 private:
  [[nodiscard]] int64_t first(int64_t i) const { return at(first_, i); }
  [[nodiscard]] int64_t last(int64_t i) const { return at(last_, i); }
  /// The input pixels that pixel i stands on, the first and the last.
  [[nodiscard]] int64_t stands(int64_t i) const { return floor_divide(i * step_, phases()); }
  [[nodiscard]] int64_t ends(int64_t i) const {
    return std::max(stands(i), floor_divide((i + 1) * step_ - 1, phases()));
  }

  [[nodiscard]] int64_t at(const std::vector<int64_t>& values, int64_t i) const {
    const int64_t period = floor_divide(i, phases());
    return step_ * period + values[static_cast<size_t>(i - period * phases())];
  }
  void clear(int64_t count) {
    first_.assign(static_cast<size_t>(count), std::numeric_limits<int64_t>::max());
    last_.assign(static_cast<size_t>(count), std::numeric_limits<int64_t>::min());
  }
  void add(int64_t phase, int64_t first, int64_t last) {
    const auto i = static_cast<size_t>(phase);
    first_[i] = std::min(first_[i], first);
    last_[i] = std::max(last_[i], last);
  }
  void mirror(const Reaches& farther) {
    if (!mirrored_) mirrored_ = farther;
    mirrored_->before = std::max(mirrored_->before, farther.before);
    mirrored_->after = std::max(mirrored_->after, farther.after);
  }

  int64_t step_ = 1;
  std::vector<int64_t> first_{0}, last_{0};  // of each phase, as if the image had no border
  std::optional<Reaches> mirrored_;          // where a border on the way is mirrored
};

struct Nothing {};
struct Everything {};
struct Near {
  Axis y, x;
};
/// What a value depends on of the inputs.
using Depends = std::variant<Nothing, Near, Everything>;

Depends joined(const Depends& a, const Depends& b) {
  if (std::holds_alternative<Nothing>(a)) return b;
  if (std::holds_alternative<Nothing>(b)) return a;
  const auto* near_a = std::get_if<Near>(&a);
  const auto* near_b = std::get_if<Near>(&b);
  if (near_a == nullptr || near_b == nullptr) return Everything{};
  const std::optional<Axis> y = near_a->y.joined(near_b->y), x = near_a->x.joined(near_b->x);
  if (!y || !x) return Everything{};
  return Near{*y, *x};
}

bool same_extent(const Shape& a, const Shape& b) { return a.h() == b.h() && a.w() == b.w(); }

/// The walk along the nodes, in their order.
class Walk {
 public:
  Walk(const Graph& graph, const std::vector<Value>& inputs)
      : graph_(graph), inputs_(inputs), whole_(graph.shape(inputs.at(0))) {}

  const Depends& to(Value output) {
    while (std::ssize(values_) <= output.node) {
      values_.push_back(outputs_of(static_cast<int32_t>(values_.size())));
    }
    return of(output);
  }

 private:
  [[nodiscard]] const Depends& of(Value value) const {
    return values_[static_cast<size_t>(value.node)][static_cast<size_t>(value.output)];
  }

  [[nodiscard]] std::vector<Depends> outputs_of(int32_t number) const {
    const Node& node = graph_.nodes[static_cast<size_t>(number)];
    if (const auto* input = std::get_if<Input>(&node.does)) {
      if (std::ranges::find(inputs_, Value{number, 0}) != inputs_.end()) return {Near{}};
      if (input->state.index >= 0) return {Everything{}};
      return {Nothing{}};
    }
    const Reach reach = node.op()->reach(graph_.shapes(node.inputs));
    const Depends all = all_reads(node, reach);
    std::vector<Depends> outputs;
    for (const Shape& shape : node.shapes) {
      // Pixels made from no pixels are random numbers: each belongs to its place.
      const bool placed = !reach && shape.h() * shape.w() > 1;
      // And those of another extent are of a row, or of the whole image.
      const bool gathered =
          !same_extent(shape, node.shapes[0]) && !std::holds_alternative<Nothing>(all);
      outputs.push_back(placed || gathered ? Everything{} : all);
    }
    return outputs;
  }

  [[nodiscard]] Depends all_reads(const Node& node, const Reach& reach) const {
    Depends all = Nothing{};
    for (const Value value : node.inputs) {
      all = joined(all, through(of(value), graph_.shape(value), reach));
    }
    const Prologue* prologue = node.op()->prologue();
    const auto before =
        static_cast<size_t>(prologue != nullptr ? prologue->steps.operand_count() : 0);
    for (size_t i = 0; i < node.operands.size(); ++i) {
      const Shape& beside = i < before ? graph_.shape(node.inputs[0]) : node.shapes[0];
      const Depends value = operand(node.operands[i], beside);
      all = joined(all, i < before ? through(value, beside, reach) : value);
    }
    return all;
  }

  /// One without pixels of its own changes every pixel beside it.
  [[nodiscard]] Depends operand(const Operand& operand, const Shape& beside) const {
    const auto* value = std::get_if<Value>(&operand);
    if (value == nullptr || std::holds_alternative<Nothing>(of(*value))) return Nothing{};
    return same_extent(graph_.shape(*value), beside) ? of(*value) : Everything{};
  }

  [[nodiscard]] Depends through(const Depends& value, const Shape& shape,
                                const Reach& reach) const {
    const auto* near = std::get_if<Near>(&value);
    if (near == nullptr) return value;
    if (!reach) return Everything{};
    const Window& w = *reach;
    const Axis rows = w.reflects ? near->y.mirrored(shape.h(), whole_.h()) : near->y;
    const Axis columns = w.reflects ? near->x.mirrored(shape.w(), whole_.w()) : near->x;
    const std::optional<Axis> y =
        rows.through(w.kernel.h, w.stride.h, w.dilation.h, w.padding.h, w.transposed);
    const std::optional<Axis> x =
        columns.through(w.kernel.w, w.stride.w, w.dilation.w, w.padding.w, w.transposed);
    if (!y || !x) return Everything{};
    return Near{*y, *x};
  }

  const Graph& graph_;
  const std::vector<Value>& inputs_;
  Shape whole_;
  std::vector<std::vector<Depends>> values_;
};

}  // namespace

std::optional<Field> field(const graph::Graph& graph, const std::vector<graph::Value>& inputs,
                           graph::Value output) {
  Walk walk(graph, inputs);
  const auto* near = std::get_if<Near>(&walk.to(output));
  if (near == nullptr) return {};
  const Reaches y = near->y.reaches(), x = near->x.reaches();
  return Field{.top = y.before,
               .bottom = y.after,
               .left = x.before,
               .right = x.after,
               .stride = {near->y.step(), near->x.step()},
               .output_stride = {near->y.phases(), near->x.phases()}};
}

}  // namespace kintsugi::program
