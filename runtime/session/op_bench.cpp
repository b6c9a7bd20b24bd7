// SPDX-License-Identifier: MIT
//
// Time of one op alone. It takes the same way as a network's layer, a graph of one node, so that what is
// timed is what runs.
#include "kernels/contract/ops.h"
#include "kernels/simd/probe.h"
#include "runtime/io/guarded.h"
#include "runtime/session/impl.h"

namespace kintsugi {
namespace {

graph::ConstantId random_constant(graph::Graph& graph, const Shape& shape) {
  const std::string name = "random " + std::to_string(graph.constants.size());
  const int64_t count = shape.elements();
  return graph.constant({.name = name,
                         .shape = shape,
                         .sources = {},
                         .formula =
                             [count](std::span<const std::vector<double>>) {
                               return session::random_values(count, 1);
                             },
                         .where = {}});
}

/// A graph of one node of `op` on inputs of one shape, random constants, and inputs for what its steps
/// read of each batch item, pixel or element.
class OneNode {
 public:
  OneNode(const AnyOp& op, const Shapes& inputs) {
    graph::Node node{.does = op, .names = {"op"}};
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Stored reads = op.reads(static_cast<int>(i));
      const auto samples = sample_type(reads);
      node.inputs.push_back(samples ? graph_.image("input" + std::to_string(i), inputs[i], *samples)
                                    : input(inputs[i], reads == Stored::exact));
    }
    for (const Shape& shape : op.weights(inputs)) {
      node.weights.push_back(random_constant(graph_, shape));
    }
    const Prologue* prologue = op.prologue();
    if (prologue != nullptr) add_operands(node, prologue->steps, inputs[0]);
    if (op.steps() != nullptr) add_operands(node, *op.steps(), op.outputs(inputs)[0]);
    graph_.output("output", graph_.record(std::move(node)));
  }

  [[nodiscard]] const graph::Graph& graph() const { return graph_; }

 private:
  graph::Value input(const Shape& shape, bool exact) {
    return graph_.input("input" + std::to_string(graph_.inputs.size()), shape, exact);
  }
  void add_operands(graph::Node& node, const Steps& steps, const Shape& result) {
    for (int s = 0; s < steps.size(); ++s) {
      const int64_t channels = s < steps.gate() ? 2 * result.c() : result.c();
      for (int i = 0; i < steps[s].operand_count(); ++i) {
        switch (steps[s].extent) {
          case Extent::scalar: break;
          case Extent::channel:
            node.operands.emplace_back(random_constant(graph_, {channels}));
            break;
          case Extent::sample_channel:
            node.operands.emplace_back(input({result.n(), channels, 1, 1}, true));
            break;
          case Extent::pixel:
            node.operands.emplace_back(input({result.n(), 1, result.h(), result.w()}, true));
            break;
          case Extent::tensor:
            node.operands.emplace_back(
                input({result.n(), channels, result.h(), result.w()}, false));
            break;
        }
      }
    }
  }

  graph::Graph graph_;
};

OpBench bench_alone(const OpBenchOptions& options) {
  session::require_runs(options.runs);
  if (options.input.rank() != 4) {
    throw Error(ErrorCode::usage, "the shape " + options.input.to_string() + " is not NxCxHxW");
  }
  Fields fields(options.settings);
  const OpTable& table = op_named(options.op);
  Shapes inputs{options.input};
  const AnyOp op(table, table.read(inputs, fields));
  fields.finish();
  inputs.resize(static_cast<size_t>(op.inputs() < 0 ? 2 : op.inputs()), options.input);

  const session::Device device = session::choose_device(options.device, options.dtype);
  const bool on_gpu = device.backend == plan::Backend::gpu;
  ThreadPool pool(options.threads);
  plan::Plan plan =
      plan::make(OneNode(op, inputs).graph(), device.options(pool.threads(), {}, false));
  execute::PackedStore store({});
  execute::PackedWeights weights = store.pack(plan, pool, device.gpu);
  execute::Queue queue;
  if (on_gpu) queue.stream = device::make_stream();
  const auto executor = execute::make_executor(std::move(plan), std::move(weights));
  const execute::Buffer arena(executor->plan().arena_bytes, std::make_shared<execute::Meter>(),
                              on_gpu ? execute::Memory::device : execute::Memory::host);
  const execute::Buffer staging(executor->plan().staging_bytes(),
                                std::make_shared<execute::Meter>(), execute::Memory::staging);
  executor->bind({.arena = arena.data(),
                  .parallel = &pool,
                  .staging = staging.data(),
                  .queue = on_gpu ? &queue : nullptr,
                  .gpu = device.gpu});
  session::fill_with_noise(*executor);
  executor->run({});
  executor->wait();

  const plan::PlanStep& step = executor->plan().steps[0];
  OpBench bench{.op = to_string(step.work.op()),
                .config = step.work.describe_config(),
                .device = device.text,
                .flops = step.flops,
                .bytes = step.bytes};
  std::vector<double> peaks;
  for (int run = 0; run < options.runs; ++run) {
    executor->run({});
    executor->wait();
    bench.seconds.push_back(static_cast<double>(executor->run_ns()) * 1e-9);
    if (!on_gpu) peaks.push_back(simd::fma_peak(pool, device.isa));
  }
  if (!on_gpu) bench.peaks = {session::median(peaks), simd::copy_bandwidth(pool)};
  return bench;
}

}  // namespace

OpBench bench_op(const OpBenchOptions& options) {
  return guarded([&] { return bench_alone(options); });
}

}  // namespace kintsugi
