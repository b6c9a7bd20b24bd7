// SPDX-License-Identifier: MIT
//
// types: how each value is stored, and what each kernel computes in. Large activations take the storage
// type of the plan. A value is exact, f32 whatever that type, where it is a mask, a ratio or a statistic:
// an input recorded so, what an op makes exact, and whatever a kernel computes from exact values alone,
// which then runs in f32. Where a reader needs a value in the other type, one copy converts it for all
// such readers.
#include <map>

#include "kernels/copy/copy.h"
#include "runtime/plan/plan.h"

namespace kintsugi::plan {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

class Types {
 public:
  Types(Graph& graph, DType storage) : graph_(graph), storage_(storage) {}

  void run() {
    graph::rebuild(graph_, [&](Node node, size_t) {
      if (node.op() == nullptr) {
        const auto& input = std::get<graph::Input>(node.does);
        node.types = {input.samples.value_or(input.exact ? exact_type() : storage_)};
      } else {
        settle(node);
      }
      return graph_.append(std::move(node));
    });
    for (graph::Write& write : graph_.writes) {
      const bool exact = graph_.states[static_cast<size_t>(write.state.index)].exact;
      write.value = as(write.value, exact ? exact_type() : storage_);
    }
  }

 private:
  /// Exact values of a plan whose storage is no narrower are stored like all others.
  [[nodiscard]] DType exact_type() const { return kintsugi::exact_type(storage_); }
  [[nodiscard]] DType type_of(Value v) const {
    return graph_.node(v).types[static_cast<size_t>(v.output)];
  }

  /// The value in `type`: itself, or a copy.
  Value as(Value value, DType type) {
    if (type_of(value) == type) return value;
    if (is_samples(type_of(value)) || is_samples(type)) {
      throw Error(ErrorCode::mismatch, graph_.node(value).name() + " is stored as " +
                                           kintsugi::to_string(type_of(value)) + " and read as " +
                                           kintsugi::to_string(type));
    }
    const auto [known, is_new] = converted_.try_emplace({value.node, value.output});
    if (is_new) {
      const Node& from = graph_.node(value);
      known->second = graph_.append(
          {.does = copy::Desc{.type = type == storage_ ? copy::Type::kernel : copy::Type::exact},
           .inputs = {value},
           .names = {from.name() + " as " + kintsugi::to_string(type)},
           .shapes = {graph_.shape(value)},
           .where = from.where,
           .dtype = type_of(value),
           .types = {type}});
    }
    return known->second;
  }

  /// Calls f(operand's value, its step) for every operand that is a value.
  template <class F>
  static void each_operand(Node& node, const F& f) {
    size_t next = 0;
    const Prologue* before = node.op()->prologue();
    const Steps none;
    for (const Steps* steps : {before != nullptr ? &before->steps : &none,
                               node.op()->steps() != nullptr ? node.op()->steps() : &none}) {
      for (const Step& step : *steps) {
        for (int i = 0; i < step.operand_count(); ++i) {
          if (auto* value = std::get_if<Value>(&node.operands[next++])) f(*value, step);
        }
      }
    }
  }

  void settle(Node& node) {
    const AnyOp op = *node.op();
    bool exact = true;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Stored reads = op.reads(static_cast<int>(i));
      if (reads == Stored::exact) continue;
      exact = exact && !sample_type(reads) && type_of(node.inputs[i]) == exact_type();
    }
    each_operand(node, [&](Value value, const Step& step) {
      if (step.extent == Extent::tensor) exact = exact && type_of(value) == exact_type();
    });
    node.dtype = exact ? exact_type() : storage_;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Stored reads = op.reads(static_cast<int>(i));
      if (reads == Stored::any) continue;
      const DType wanted = reads == Stored::exact ? exact_type() : node.dtype;
      node.inputs[i] = as(node.inputs[i], sample_type(reads).value_or(wanted));
    }
    each_operand(node, [&](Value& value, const Step& step) {
      value = as(value, step.extent == Extent::tensor ? node.dtype : exact_type());
    });
    node.types.clear();
    for (size_t i = 0; i < node.shapes.size(); ++i) {
      const Stored makes = op.makes(static_cast<int>(i));
      const DType number = makes == Stored::as_kernel ? node.dtype
                           : makes == Stored::storage ? storage_
                                                      : exact_type();
      node.types.push_back(sample_type(makes).value_or(number));
    }
  }

  Graph& graph_;
  DType storage_;
  std::map<std::pair<int32_t, int32_t>, Value> converted_;
};

}  // namespace

void types(Graph& graph, const Options& options) { Types(graph, storage_type(options)).run(); }

DType storage_type(const Options& options) {
  if (options.backend == Backend::reference_f64) return DType::f64;
  if (options.backend != Backend::gpu) return DType::f32;
  switch (options.precision) {
    case Precision::f32:
    case Precision::tf32: return DType::f32;
    case Precision::f16: return DType::f16;
    case Precision::bf16: return DType::bf16;
  }
  return DType::f32;
}

Target target_of(const Options& options, DType dtype) {
  return {.kernels = options.backend == Backend::gpu   ? KernelSet::cuda
                     : options.backend == Backend::cpu ? KernelSet::cpu
                                                       : KernelSet::reference,
          .dtype = dtype,
          .isa = options.isa,
          .gpu = options.gpu,
          .tf32 = options.precision == Precision::tf32,
          .threads = options.threads,
          .winograd = options.passes.winograd,
          .tuned = options.passes.select};
}

Target target_of(const Options& options, DType dtype, const Graph& graph, const Node& node) {
  Target target = target_of(options, dtype);
  if (!node.weights.empty() && options.direct.contains(graph.constant(node.weights[0]).name)) {
    target.winograd = false;
  }
  return target;
}

}  // namespace kintsugi::plan
