// SPDX-License-Identifier: MIT
#include "tests/plan/graph_judge.h"

#include <list>

#include "kernels/core/call.h"
#include "kernels/core/half.h"
#include "kernels/simd/parallel.h"

namespace kintsugi::test {
namespace {

using graph::Graph;
using graph::Node;

double rounded(double value, DType type) {
  switch (type) {
    case DType::f64: return value;
    case DType::f16: return widen(narrow<f16>(static_cast<float>(value)));
    case DType::bf16: return widen(narrow<bf16>(static_cast<float>(value)));
    default: return static_cast<float>(value);
  }
}

/// One unit in the last of `bits` places of a value that `type` stores.
double ulp(double value, DType type, int bits) {
  if (value == 0 || !std::isfinite(value)) return 0;
  const int least = type == DType::f16 ? -14 : type == DType::f64 ? -1022 : -126;
  return std::ldexp(1.0, std::max(std::ilogb(value), least) - bits);
}

void add_noise(std::span<double> values, DType type, int bits, uint64_t seed) {
  for (size_t i = 0; i < values.size(); ++i) {
    const double sign = scramble(seed, i) % 2 == 0 ? 1 : -1;
    values[i] += sign * ulp(values[i], type, bits);
  }
}

/// A node's values without its pads.
std::vector<double> dense(const std::vector<double>& padded, const Shape& shape) {
  std::vector<double> values;
  const auto pitch = static_cast<size_t>(storage_channels(shape.c()));
  for (size_t pixel = 0; pixel < static_cast<size_t>(shape.pixels()); ++pixel) {
    const auto from = padded.begin() + static_cast<std::ptrdiff_t>(pixel * pitch);
    values.insert(values.end(), from, from + shape.c());
  }
  return values;
}

/// Calls the references on a graph as it is recorded.
class Walk {
 public:
  using Values = std::vector<std::vector<std::vector<double>>>;  // by node and output
  Walk(const Graph& graph, const std::vector<Exactness>& exact, const Format& format,
       const std::vector<std::vector<double>>& constants, Values& values)
      : graph_(graph), exact_(exact), format_(format), constants_(constants), values_(values) {}

  void node(size_t number) {
    const Node& node = graph_.nodes[number];
    converted_.clear();
    std::vector<AnyView> inputs, weights, operands, outputs;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const bool as_kernel = node.op()->reads(static_cast<int>(i)) == Stored::as_kernel;
      inputs.push_back(view(node.inputs[i], as_kernel && !exact_[number].kernel));
    }
    for (const graph::ConstantId id : node.weights) weights.push_back(constant(id));
    const Steps* steps = node.op()->steps();
    size_t next = 0;
    for (int s = 0; steps != nullptr && s < steps->size(); ++s) {
      for (int i = 0; i < (*steps)[s].operand_count(); ++i) {
        const graph::Operand& operand = node.operands[next++];
        const auto* value = std::get_if<graph::Value>(&operand);
        const bool tensor = (*steps)[s].extent == Extent::tensor;
        operands.push_back(value != nullptr ? view(*value, tensor && !exact_[number].kernel)
                                            : constant(std::get<graph::ConstantId>(operand)));
      }
    }
    for (size_t o = 0; o < node.shapes.size(); ++o) {
      outputs.push_back(view_of(values_[number][o], node.shapes[o]));
    }
    const Call call{DType::f64, inputs, weights, operands, outputs, {}, nullptr};
    node.op()->table().reference(node.op()->desc(), call, one_);
  }

 private:
  static AnyView view_of(const std::vector<double>& values, const Shape& shape) {
    return {reinterpret_cast<std::byte*>(const_cast<double*>(values.data())), DType::f64, shape,
            storage_channels(shape.c())};
  }
  [[nodiscard]] AnyView constant(graph::ConstantId id) const {
    const std::vector<double>& values = constants_[static_cast<size_t>(id.index)];
    AnyView view = view_of(values, {static_cast<int64_t>(values.size())});
    view.pitch = 0;
    return view;
  }
  /// `narrowed`: as a kernel of the storage type reads it, to which an exact value is converted.
  AnyView view(graph::Value value, bool narrowed) {
    const auto& values =
        values_[static_cast<size_t>(value.node)][static_cast<size_t>(value.output)];
    if (!narrowed || !exact_[static_cast<size_t>(value.node)].made) {
      return view_of(values, graph_.shape(value));
    }
    converted_.push_back(values);
    for (double& v : converted_.back()) v = rounded(v, format_.stored);
    return view_of(converted_.back(), graph_.shape(value));
  }

  const Graph& graph_;
  const std::vector<Exactness>& exact_;
  const Format& format_;
  const std::vector<std::vector<double>>& constants_;
  Values& values_;
  std::list<std::vector<double>> converted_;
  ThreadPool one_{1};
};

}  // namespace

Judge::Judge(const RandomGraph& drawn) : drawn_(drawn) {
  for (const Node& node : drawn.graph.nodes) exact_.push_back(exactness(node, exact_));
  for (const graph::Constant& constant : drawn.graph.constants) {
    constants_.push_back(constant.formula({}));
    if (constant.shape.rank() == 1) {  // the references may read a vector's pads
      constants_.back().resize(static_cast<size_t>(storage_channels(constant.shape[0])));
    }
  }
}

Judge::Values Judge::evaluate(const Format& format, uint64_t draw) const {
  const Graph& graph = drawn_.graph;
  std::vector<std::vector<double>> constants = constants_;
  for (size_t i = 0; draw > 0 && i < constants.size(); ++i) {
    add_noise(constants[i], format.stored, format.bits, scramble(draw, 1000000 + i));
  }
  Values values(graph.nodes.size());
  Walk walk(graph, exact_, format, constants, values);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    for (const Shape& shape : node.shapes) {
      values[i].emplace_back(static_cast<size_t>(shape.pixels() * storage_channels(shape.c())));
    }
    const bool is_input = node.op() == nullptr;
    if (is_input) {
      fill(node, values[i][0]);
    } else {
      walk.node(i);
    }
    const bool wide = exact_[i].made && size_bytes(format.stored) == 2;
    const DType type = wide ? DType::f32 : format.stored;
    for (size_t o = 0; o < values[i].size(); ++o) {
      for (double& value : values[i][o]) value = rounded(value, type);
      if (draw == 0 || (is_input && exact_[i].made)) continue;  // masks are whole numbers
      add_noise(values[i][o], type, wide ? 23 : format.bits, scramble(draw, i + 10000 * o));
    }
  }
  return values;
}

void Judge::fill(const Node& node, std::vector<double>& values) const {
  const auto& of = std::get<graph::Input>(node.does);
  const Shape& shape = of.shape;
  const TensorView<double> view{values.data(), shape, storage_channels(shape.c())};
  for (int64_t n = 0; n < shape.n(); ++n) {
    for (int64_t c = 0; c < shape.c(); ++c) {
      for (int64_t y = 0; y < shape.h(); ++y) {
        for (int64_t x = 0; x < shape.w(); ++x) {
          view.at(n, c, y, x) = drawn_.input(node.name(), of, n, c, y, x);
        }
      }
    }
  }
}

std::vector<graph::Value> ends_of(const Graph& graph) {
  std::vector<graph::Value> ends;
  for (const graph::Port& port : graph.outputs) ends.push_back(port.value);
  for (const graph::Write& write : graph.writes) ends.push_back(write.value);
  return ends;
}

std::vector<Verdict> Judge::judge(FormatIndex index) const {
  constexpr uint64_t kDraws = 2;
  const Graph& graph = drawn_.graph;
  const std::vector<graph::Value> ends = ends_of(graph);
  const Values right = evaluate(kFormats[index], 0);
  std::vector<Verdict> verdicts;
  const auto output = [&](const Values& values, graph::Value value) {
    return dense(values[static_cast<size_t>(value.node)][static_cast<size_t>(value.output)],
                 graph.shape(value));
  };
  for (const graph::Value end : ends) verdicts.push_back({output(right, end), 0});
  for (uint64_t draw = 1; draw <= kDraws; ++draw) {
    const Values noisy = evaluate(kFormats[index], draw);
    for (size_t i = 0; i < verdicts.size(); ++i) {
      const std::vector<double> changed = output(noisy, ends[i]);
      verdicts[i].noise = std::max(verdicts[i].noise, relative_l2(changed, verdicts[i].right));
    }
  }
  return verdicts;
}

}  // namespace kintsugi::test
