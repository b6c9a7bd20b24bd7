// SPDX-License-Identifier: MIT
//
// Opening, describing and planning: everything that needs no memory and no device.
#include <algorithm>
#include <array>

#include "runtime/io/guarded.h"
#include "runtime/io/text.h"
#include "runtime/session/impl.h"

namespace kintsugi {
namespace {

double tolerance_of(const plan::Plan& plan, plan::Precision precision) {
  switch (precision) {
    case plan::Precision::f32: break;
    case plan::Precision::tf32:
    case plan::Precision::f16: return 1e-2;
    case plan::Precision::bf16: return 5e-2;
  }
  return std::ranges::any_of(plan.steps,
                             [](const plan::PlanStep& step) { return step.work.loses_a_digit(); })
             ? 1e-4
             : 1e-5;
}

}  // namespace

const char* to_string(Task task) {
  switch (task) {
    case Task::inpaint: return "inpaint";
    case Task::translate: return "translate";
    case Task::upscale: return "upscale";
    case Task::detect: return "detect";
    case Task::score: return "score";
  }
  return "?";
}

Task task_named(const std::string& name) {
  constexpr std::array kTasks = {Task::inpaint, Task::translate, Task::upscale, Task::detect,
                                 Task::score};
  const auto* task =
      std::ranges::find(kTasks, name, [](Task t) { return std::string(to_string(t)); });
  if (task != kTasks.end()) return *task;
  throw Error(ErrorCode::usage, "there is no task named '" + name + "'",
              "tasks are: " + listed(kTasks, [](Task t) { return to_string(t); }));
}

void require_task(const Description& description, Task task) {
  if (std::ranges::find(description.tasks, task) != description.tasks.end()) return;
  const std::string list = listed(description.tasks, [](Task t) { return to_string(t); });
  throw Error(ErrorCode::usage, description.network + " does not " + to_string(task),
              list.empty() ? "" : "these weights are for: " + list);
}

Model::Impl::Impl(const std::filesystem::path& file, const OpenOptions& options)
    : weights(file),
      program(networks::open(weights, options.network)),
      store([weights = weights](const graph::Constant& c, int64_t first, std::span<double> out) {
        weights.read(c.name, c.shape, first, out, c.where);
        weights.release_pages(c.name, first, static_cast<int64_t>(out.size()));
      }) {
  // Recording states every shape, so a file that does not fit is refused here and not later; it
  // reads the header only, and what it did not ask for is what the file has too much.
  const int64_t side = 64 * program.description.size_multiple;
  probe_ = {.h = side, .w = side};
  for (const program::GraphSpec& graph : program.graphs) {
    static_cast<void>(program.record(graph, weights, probe_,
                                     program::input_shapes(graph.inputs, probe_, true), {}));
  }
  program.description.unused_keys = weights.unused_keys();
}

std::optional<program::Field> Model::Impl::field(std::string_view name, std::string_view input,
                                                 std::string_view output,
                                                 const Settings& settings) const {
  const program::GraphSpec& spec = program.graph(name);
  const graph::Graph graph =
      program.record(spec, weights, probe_, program::input_shapes(spec.inputs, probe_), settings);
  return program::field(graph, session::port_of(graph.inputs, input).value,
                        session::port_of(graph.outputs, output).value);
}

GraphPlan Model::Impl::summary_of(const std::string& name, const plan::Plan& plan,
                                  const Settings& settings) const {
  const auto stored = [&](const std::string& module) { return program.keys.module(module); };
  GraphPlan summary{.name = name,
                    .arena = plan.arena_bytes,
                    .packed = plan.packed_bytes,
                    .flops = plan.flops,
                    .table = plan::table(plan, stored),
                    .picture = plan::memory_picture(plan, stored)};
  const program::GraphSpec& spec = program.graph(name);
  if (!spec.inputs.empty() && !spec.outputs.empty()) {
    if (const auto f = field(name, spec.inputs[0].name, spec.outputs[0].name, settings)) {
      summary.field = {f->top, f->left, f->bottom, f->right};
    }
  }
  for (const plan::PlanStep& step : plan.steps) {
    const AnyOp& op = step.work.op();
    const Steps* steps = op.steps();
    summary.steps.push_back({.name = stored(step.names.back()),
                             .op = to_string(op),
                             .epilogue = steps != nullptr ? kintsugi::to_string(*steps) : "",
                             .config = step.work.describe_config(),
                             .shape = step.outputs[0].shape.to_string(),
                             .flops = step.flops,
                             .bytes = step.bytes});
  }
  return summary;
}

PlanSummary Model::Impl::plan(const PlanOptions& options) const {
  const session::Device device = session::choose_device(options.device, options.dtype);
  if (options.task && options.batch != 1) {
    throw Error(ErrorCode::usage,
                "a task runs one image at a time, not " + std::to_string(options.batch));
  }
  std::map<std::string, program::Images> images;  // by graph
  if (options.task) images = program.task(*options.task).graphs;
  const program::Letters letters{options.batch, options.height, options.width};
  const plan::Options how =
      device.options(ThreadPool::count(options.threads), session::passes_without(options.without),
                     options.keep_all);

  PlanSummary summary;
  summary.device = device.text;
  summary.memory.mapped = program.description.mapped_bytes;
  summary.tolerance = 0;
  std::map<std::string, int64_t> packed;  // a copy that several graphs read is one
  for (const program::GraphSpec& spec : program.graphs) {
    if (options.task && !images.contains(spec.name)) continue;
    const program::Images of_graph = options.task ? images.at(spec.name) : program::Images{};
    const graph::Graph graph = session::with_images(
        program.record(spec, weights, letters,
                       program::input_shapes(spec.inputs, letters, of_graph), options.settings),
        of_graph);
    const plan::Plan plan = session::make_plan(graph, how, options.max_memory);
    MemoryPlan& memory = summary.memory;
    for (const plan::Packed& one : plan.packed) packed.emplace(one.identity, one.bytes);
    memory.arena = std::max(memory.arena, plan.arena_bytes);
    memory.persistent = std::max(memory.persistent, plan.state_bytes);
    memory.staging = std::max(memory.staging, plan.staging_bytes());
    summary.flops += plan.flops;
    summary.tolerance = std::max(summary.tolerance, tolerance_of(plan, device.precision));
    summary.graphs.push_back(summary_of(spec.name, plan, options.settings));
  }
  for (const auto& [identity, bytes] : packed) summary.memory.packed += bytes;
  return summary;
}

Model::Model(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Model Model::open(const std::filesystem::path& file, const OpenOptions& options) {
  return guarded([&] { return Model(std::make_shared<Impl>(file, options)); });
}

const Description& Model::describe() const { return impl_->program.description; }

PlanSummary Model::plan(const PlanOptions& options) const {
  return guarded([&] { return impl_->plan(options); });
}

Session Model::session(const SessionOptions& options) const {
  return guarded([&] { return Session(std::make_unique<Session::Impl>(impl_, options)); });
}

}  // namespace kintsugi
