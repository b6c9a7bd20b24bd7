// SPDX-License-Identifier: MIT
//
// Time: per step as a table's rows, per run as a trace.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "kernels/simd/probe.h"
#include "runtime/session/impl.h"

namespace kintsugi {
namespace {

double seconds(const execute::Executor::StepTime& time) {
  return static_cast<double>(time.end_ns - time.begin_ns) * 1e-9;
}

}  // namespace

void session::fill_with_noise(execute::Executor& executor) {
  for (const plan::Port& port : executor.plan().inputs) {
    const bool samples = is_samples(executor.plan().slot(port.value).dtype);
    executor.write_input(port.value, [=](int64_t n, int64_t y, std::span<float> row) {
      const auto values = session::random_values(static_cast<int64_t>(row.size()),
                                                 static_cast<uint64_t>(n * 65536 + y));
      std::ranges::transform(values, row.begin(), [=](double v) {
        return static_cast<float>(samples ? 255 * (v + 1) / 2 : v);
      });
    });
  }
}

void session::require_runs(int runs) {
  if (runs < 1) {
    throw Error(ErrorCode::usage, "a median needs at least one run, not " + std::to_string(runs));
  }
}

Profile Session::Impl::profile(const ProfileOptions& wanted) {
  session::require_runs(wanted.runs);
  const program::GraphSpec& graph = model->program.graph({});
  const program::Letters sizes{wanted.batch, wanted.height, wanted.width};
  execute::Executor& executor = prepare({.graph = graph.name,
                                         .letters = sizes,
                                         .inputs = program::input_shapes(graph.inputs, sizes),
                                         .settings = wanted.settings,
                                         .without = wanted.without,
                                         .keep_all = wanted.keep_all});
  const plan::Plan& plan = executor.plan();
  session::fill_with_noise(executor);
  run(executor, {});  // warm caches and check the result; not counted
  for (const plan::Port& output : plan.outputs) check(executor, output);

  const bool measures_peaks = wanted.measure_peaks && !on_gpu();  // they are the CPU's
  std::vector<std::vector<double>> times(plan.steps.size());
  std::vector<double> totals;
  std::vector<double> peaks;
  for (int i = 0; i < wanted.runs; ++i) {
    const double fraction = i / static_cast<double>(wanted.runs);
    executor.run(
        {.before = [&](int) { return !options.progress || options.progress(fraction, "bench"); },
         .after = {}});
    executor.wait();
    totals.push_back(static_cast<double>(executor.run_ns()) * 1e-9);
    // A GPU's graph hides its steps; they are timed in a run of their own.
    if (on_gpu()) {
      executor.run({.before = {}, .after = {}, .time_steps = true});
      executor.wait();
    }
    for (size_t step = 0; step < times.size(); ++step) {
      times[step].push_back(seconds(executor.times()[step]));
    }
    if (measures_peaks) peaks.push_back(simd::fma_peak(*parallel, device.isa));
  }
  Profile profile{.rows = {}, .seconds = session::median(totals), .peaks = {}};
  for (size_t i = 0; i < times.size(); ++i) {
    const plan::PlanStep& step = plan.steps[i];
    profile.rows.push_back({.name = model->program.keys.module(step.names.back()),
                            .op = to_string(step.work.op()),
                            .config = step.work.describe_config(),
                            .seconds = session::median(times[i]),
                            .flops = step.flops,
                            .bytes = step.bytes});
  }
  if (measures_peaks) {
    // Two buffers of this size, within what the session may take.
    int64_t buffer = int64_t{256} << 20;
    if (options.max_memory > 0) {
      buffer = std::clamp<int64_t>((options.max_memory - plan.peak_bytes()) / 2, 1 << 20, buffer);
    }
    profile.peaks = {session::median(peaks), simd::copy_bandwidth(*parallel, buffer)};
  }
  return profile;
}

std::string session::chrome_trace(const plan::Plan& plan, const StepTimes& times,
                                  const weights::KeyMap& keys) {
  nlohmann::json events = nlohmann::json::array();
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const plan::PlanStep& step = plan.steps[i];
    if (times[i].end_ns == 0) continue;  // no run has timed it
    events.push_back({{"name", keys.module(step.names.back())},
                      {"cat", "step"},
                      {"ph", "X"},
                      {"pid", 1},
                      {"tid", 1},
                      {"ts", static_cast<double>(times[i].begin_ns) * 1e-3},
                      {"dur", static_cast<double>(times[i].end_ns - times[i].begin_ns) * 1e-3},
                      {"args",
                       {{"op", to_string(step.work.op())},
                        {"config", step.work.describe_config()},
                        {"flops", step.flops},
                        {"bytes", step.bytes}}}});
  }
  return nlohmann::json{{"traceEvents", events}, {"displayTimeUnit", "ms"}}.dump(1);
}

}  // namespace kintsugi
