// SPDX-License-Identifier: MIT
//
// Opening, describing and planning: everything that needs no memory and no device.
#include <algorithm>

#include "runtime/io/guarded.h"
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

void require_task(const Description& description, const std::string& task) {
  if (std::ranges::find(description.tasks, task) != description.tasks.end()) return;
  std::string list;
  for (const std::string& known : description.tasks) list += (list.empty() ? "" : ", ") + known;
  throw Error(ErrorCode::usage, description.network + " does not " + task,
              list.empty() ? "" : "these weights are for: " + list);
}

Model::Impl::Impl(const std::filesystem::path& file, const OpenOptions& options)
    : weights(file),
      opened(networks::open(weights, options.network)),
      store([weights = weights](const graph::Constant& c, int64_t first, std::span<double> out) {
        weights.read(c.name, c.shape, first, out, c.where);
        weights.release_pages(c.name, first, static_cast<int64_t>(out.size()));
      }) {
  // Recording states every shape, so a file that does not fit is refused here and not later; it
  // reads the header only, and what it did not ask for is what the file has too much.
  const int64_t side = 64 * opened.description.size_multiple;
  static_cast<void>(
      opened.record(networks::input_shapes(opened.description.inputs, 1, side, side), {}));
  opened.description.unused_keys = weights.unused_keys();
  std::vector<std::string>& tasks = opened.description.tasks;
  if (opened.inpaint) tasks.emplace_back("inpaint");
  if (opened.translate) tasks.emplace_back("translate");
  if (opened.score) tasks.emplace_back("score");
}

PlanSummary Model::Impl::plan(const PlanOptions& options) const {
  const session::Device device = session::choose_device(options.device, options.dtype);
  const networks::Shapes inputs = networks::input_shapes(opened.description.inputs, options.batch,
                                                         options.height, options.width);
  graph::Graph graph = opened.record(inputs, options.settings);
  if (!options.task.empty()) {
    require_task(opened.description, options.task);
    if (options.batch != 1) {
      throw Error(ErrorCode::usage,
                  "a task runs one image at a time, not " + std::to_string(options.batch));
    }
    graph = session::with_images(std::move(graph), opened.images);
  }
  const plan::Plan plan =
      session::make_plan(graph,
                         device.options(ThreadPool::count(options.threads),
                                        session::passes_without(options.without), options.keep_all),
                         options.max_memory);

  const auto stored = [&](const std::string& name) { return opened.keys.module(name); };
  PlanSummary summary;
  summary.device = device.text;
  summary.memory = {.mapped = opened.description.mapped_bytes,
                    .packed = plan.packed_bytes,
                    .arena = plan.arena_bytes,
                    .persistent = plan.state_bytes,
                    .staging = plan.staging_bytes()};
  summary.flops = plan.flops;
  summary.tolerance = tolerance_of(plan, device.precision);
  summary.table = plan::table(plan, stored);
  summary.picture = plan::memory_picture(plan, stored);
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

Model::Model(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Model Model::open(const std::filesystem::path& file, const OpenOptions& options) {
  return guarded([&] { return Model(std::make_shared<Impl>(file, options)); });
}

const Description& Model::describe() const { return impl_->opened.description; }

PlanSummary Model::plan(const PlanOptions& options) const {
  return guarded([&] { return impl_->plan(options); });
}

Session Model::session(const SessionOptions& options) const {
  return guarded([&] { return Session(std::make_unique<Session::Impl>(impl_, options)); });
}

}  // namespace kintsugi
