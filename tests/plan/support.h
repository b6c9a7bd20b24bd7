// SPDX-License-Identifier: MIT
//
// A toy recorder for the tests of the passes: small graphs on random constants, without files, and
// one function that plans and runs them. Networks have their own tests.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "kernels/conv2d/contract.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/norm/norm.h"
#include "kernels/pad/pad.h"
#include "runtime/execute/executor.h"
#include "runtime/plan/plan.h"

namespace kintsugi::test {

using graph::Graph;
using graph::Value;

inline std::vector<double> noise(int64_t count, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> values(static_cast<size_t>(count));
  for (double& value : values) value = uniform(engine);
  return values;
}

class Toy {
 public:
  Graph graph;

  explicit Toy(const Shape& input) : x(graph.input("input", input)) {}
  Value x;

  Value conv(Value in, const std::string& name, conv2d::Desc desc) {
    desc.in_channels = channels(in);
    desc.epilogue = {step::add(Extent::channel)};
    return record({in}, name, desc, {random(desc.weight_shape())}, {random({desc.out_channels})});
  }
  Value deconv(Value in, const std::string& name, conv_transpose2d::Desc desc) {
    desc.in_channels = channels(in);
    return record({in}, name, desc, {random(desc.weight_shape())}, {});
  }
  Value norm(Value in, const std::string& name) {
    return apply(in, name, step::affine(Extent::channel),
                 {random({channels(in)}), random({channels(in)})});
  }
  /// Of groups of channels, by the image's own statistics.
  Value group_norm(Value in, const std::string& name, int64_t groups) {
    const Value scale = record({in}, name + ".statistics", norm::Desc{.groups = groups}, {}, {});
    return apply(in, name, step::affine(Extent::sample_channel), {scale, Value{scale.node, 1}});
  }
  Value relu(Value in, const std::string& name) {
    return apply(in, name, step::activate(Function::relu), {});
  }
  Value add(Value a, Value b, const std::string& name) {
    return apply(a, name, step::add(Extent::tensor), {b});
  }
  Value apply(Value in, const std::string& name, const Step& step,
              std::vector<graph::Operand> operands) {
    return record({in}, name, elementwise::Desc{.steps = {step}}, {}, std::move(operands));
  }
  Value pad(Value in, const std::string& name, int64_t amount, PaddingMode mode) {
    return record({in}, name, pad::Desc{amount, amount, amount, amount, mode}, {}, {});
  }

  graph::ConstantId random(const Shape& shape) {
    const auto seed = static_cast<uint64_t>(graph.constants.size()) + 1;
    const int64_t count = shape.elements();
    return graph.constant({.name = "c" + std::to_string(seed),
                           .shape = shape,
                           .formula = [=](auto) { return noise(count, seed); }});
  }

  int64_t channels(Value value) const { return graph.shape(value).c(); }
  Value record(std::vector<Value> in, const std::string& name, AnyOp op,
               std::vector<graph::ConstantId> weights, std::vector<graph::Operand> operands) {
    return graph.record({.does = std::move(op),
                         .inputs = std::move(in),
                         .weights = std::move(weights),
                         .operands = std::move(operands),
                         .names = {name},
                         .where = std::source_location::current()});
  }
};

/// Whether there is a GPU; an emulated one has to be there.
inline bool has_gpu() {
  if (device::count() > 0) return true;
  EXPECT_EQ(device::why_none(), "no NVIDIA GPU was found");
  return false;
}

/// An executor with all that it runs on; dead memory is NaN.
struct Bound {
  explicit Bound(plan::Plan plan, int threads = 1, execute::ReadConstant read = {})
      : store(std::move(read)), pool(threads) {
    const bool on_gpu = plan.backend == plan::Backend::gpu;
    if (on_gpu) queue->stream = device::make_stream();
    const int64_t arena_bytes = plan.arena_bytes;
    arena = execute::Buffer(arena_bytes, meter,
                            on_gpu ? execute::Memory::device : execute::Memory::host);
    EXPECT_EQ(meter->held(), arena_bytes);
    states = execute::Buffer(plan.state_bytes, state_meter,
                             on_gpu ? execute::Memory::device : execute::Memory::host);
    execute::PackedWeights weights = store.pack(plan, pool);
    EXPECT_EQ(store.meter(on_gpu ? std::optional(0) : std::nullopt).held(), plan.packed_bytes);
    executor = execute::make_executor(std::move(plan), std::move(weights));
    staging = execute::Buffer(executor->plan().staging_bytes(), meter, execute::Memory::staging);
    bind(states.data(), *queue);
  }

  /// Runs on the states of another plan, which has to be of the same backend and states.
  void share_states(const Bound& other) {
    EXPECT_EQ(plan::states_key(executor->plan()), plan::states_key(other.executor->plan()));
    EXPECT_EQ(states.bytes(), other.states.bytes());
    bind(other.states.data(), *other.queue);
  }

  execute::PackedStore store;
  std::shared_ptr<execute::Meter> meter = std::make_shared<execute::Meter>();
  ThreadPool pool;
  std::shared_ptr<execute::Queue> queue = std::make_shared<execute::Queue>();
  std::shared_ptr<execute::Meter> state_meter = std::make_shared<execute::Meter>();
  execute::Buffer arena, states, staging;
  std::unique_ptr<execute::Executor> executor;

 private:
  void bind(std::byte* states_of, execute::Queue& on) {
    executor->bind({.arena = arena.data(),
                    .states = states_of,
                    .parallel = &pool,
                    .staging = staging.data(),
                    .queue = on.stream ? &on : nullptr,
                    .poison = true});
  }
};

/// A plan for the instruction set, or the GPU, of this machine.
inline plan::Plan plan_here(const Graph& graph, plan::Options options) {
  if (options.backend == plan::Backend::cpu) options.isa = simd::chosen();
  if (options.backend == plan::Backend::gpu) options.gpu = device::info();
  return plan::make(graph, options);
}

/// All outputs of a graph on random input, one after the other.
inline std::vector<float> run(const Graph& graph, plan::Options options, int threads = 1) {
  Bound bound(plan_here(graph, options), threads);
  execute::Executor& executor = *bound.executor;
  for (const plan::Port& port : executor.plan().inputs) {
    executor.write_input(port.value, [](int64_t n, int64_t y, std::span<float> row) {
      const auto values =
          noise(static_cast<int64_t>(row.size()), static_cast<uint64_t>(n * 1000 + y));
      for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(values[i]);
    });
  }
  executor.run({});
  std::vector<float> all;
  for (const plan::Port& port : executor.plan().outputs) {
    executor.read(port.value, [&](int64_t, int64_t, std::span<const float> row) {
      all.insert(all.end(), row.begin(), row.end());
    });
  }
  return all;
}

inline double relative_l2(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  double difference = 0;
  double norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(double(a[i]) - double(b[i]), 2);
    norm += std::pow(double(b[i]), 2);
  }
  return std::sqrt(difference / norm);
}

/// A backend in a precision, and how far its results may be from those in double.
struct Right {
  plan::Backend backend;
  plan::Precision precision;
  double bound;
};
inline std::vector<Right> rights() {
  std::vector<Right> all{{plan::Backend::reference_f64, plan::Precision::f32, 1e-7},
                         {plan::Backend::reference_f32, plan::Precision::f32, 2e-6},
                         {plan::Backend::cpu, plan::Precision::f32, 2e-6}};
  if (has_gpu()) {
    all.push_back({plan::Backend::gpu, plan::Precision::f32, 2e-6});
    all.push_back({plan::Backend::gpu, plan::Precision::f16, 3e-3});
    all.push_back({plan::Backend::gpu, plan::Precision::bf16, 2e-2});
  }
  return all;
}

/// How often a plan calls an op.
inline int calls(const plan::Plan& plan, std::string_view op) {
  return static_cast<int>(std::ranges::count_if(
      plan.steps, [&](const plan::PlanStep& step) { return step.work.op().table().name == op; }));
}

/// Names of the modules that each node of a graph computes, inputs left out: "conv+norm relu".
inline std::string modules(const Graph& graph) {
  std::string text;
  for (const graph::Node& node : graph.nodes) {
    if (node.op() == nullptr) continue;
    if (!text.empty()) text += " ";
    for (size_t i = 0; i < node.names.size(); ++i) text += (i > 0 ? "+" : "") + node.names[i];
  }
  return text;
}

}  // namespace kintsugi::test
