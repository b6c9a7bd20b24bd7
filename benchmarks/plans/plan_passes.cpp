// SPDX-License-Identifier: MIT
//
// plan_passes [--device=cpu] [--dtype=f32] [--threads=0] [--rounds=21] and what every program of Google
// Benchmark takes: what a pass of the planner is worth. Each short graph (graphs.h) is planned with all
// passes, and without one of them wherever that plan is another one. The two run in turn, some
// milliseconds each, and the first of a round is the second of the next, so that what else runs on the
// machine weighs on both. `ratio` is that of the medians of all rounds, above 1 where the pass pays; a
// quarter of the rounds' own ratios lie below `low`, a quarter above `high`. `busy` is the same ratio of
// processor time. Bytes are what the steps must move by contract. Exit code 4: the two plans disagree.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/arguments.h"
#include "benchmarks/plans/graphs.h"
#include "runtime/session/impl.h"

namespace kintsugi {
namespace {

constexpr const char* kPasses[] = {"fuse", "fold", "layout", "place", "winograd"};
enum Side : size_t { kWhole, kWithout, kSides };

/// Seconds: of the kernels alone, and of all threads of the processor.
struct Time {
  double wall = 0, busy = 0;
};

/// A plan with all that it runs on.
class Ready {
 public:
  Ready(plan::Plan plan, const session::Device& device, execute::PackedStore& store,
        Parallel& parallel) {
    const bool on_gpu = plan.backend == plan::Backend::gpu;
    if (on_gpu) {
      device::select(device.gpu);
      queue_.stream = device::make_stream();
    }
    const auto meter = std::make_shared<execute::Meter>();
    arena_ = {plan.arena_bytes, meter, on_gpu ? execute::Memory::device : execute::Memory::host};
    execute::PackedWeights weights = store.pack(plan, parallel, device.gpu);
    executor_ = execute::make_executor(std::move(plan), std::move(weights));
    staging_ = {executor_->plan().staging_bytes(), meter, execute::Memory::staging};
    executor_->bind({.arena = arena_.data(),
                     .parallel = &parallel,
                     .staging = staging_.data(),
                     .queue = on_gpu ? &queue_ : nullptr,
                     .gpu = device.gpu});
    session::fill_with_noise(*executor_);
  }

  [[nodiscard]] const plan::Plan& plan() const { return executor_->plan(); }
  [[nodiscard]] int64_t bytes() const {
    int64_t sum = 0;
    for (const plan::PlanStep& step : plan().steps) sum = checked_add(sum, step.bytes);
    return sum;
  }
  /// Of a run, a mean over some milliseconds.
  Time run() {
    constexpr int64_t kSlice = 8'000'000;  // nanoseconds
    int64_t all = 0, count = 0;
    const std::clock_t start = std::clock();
    for (; all < kSlice; ++count) {
      executor_->run({});
      executor_->wait();
      all += executor_->run_ns();
    }
    const double busy = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    return {1e-9 * static_cast<double>(all) / static_cast<double>(count),
            busy / static_cast<double>(count)};
  }
  [[nodiscard]] std::vector<float> output() const {
    std::vector<float> all;
    executor_->read(plan().outputs[0].value, [&](int64_t, int64_t, std::span<const float> row) {
      all.insert(all.end(), row.begin(), row.end());
    });
    return all;
  }

 private:
  execute::Queue queue_;
  execute::Buffer arena_, staging_;
  std::unique_ptr<execute::Executor> executor_;
};

/// Of the difference, relative to the second.
double relative_l2(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    norm += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(difference / norm);
}

/// What is called, and how.
std::vector<std::string> calls(const plan::Plan& plan) {
  std::vector<std::string> all;
  for (const plan::PlanStep& step : plan.steps) {
    const AnyOp& op = step.work.op();
    all.push_back(to_string(op) + "; " + step.work.describe_config() + "; " +
                  (op.steps() != nullptr ? to_string(*op.steps()) : ""));
  }
  return all;
}

double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

class Program {
 public:
  Program(const std::string& device, const std::string& dtype, int threads, int rounds)
      : device_(session::choose_device(device, dtype)), pool_(threads), rounds_(rounds) {
    session::require_runs(rounds);
    for (bench::ShortGraph& graph : bench::short_graphs()) {
      for (const char* pass : kPasses) add(graph, pass);
    }
  }

  void run(benchmark::State& state, const graph::Graph& graph, const std::string& pass) {
    execute::PackedStore store({});
    std::array<Ready, kSides> sides{Ready(plan(graph, {}), device_, store, pool_),
                                    Ready(plan(graph, {pass}), device_, store, pool_)};
    for (Ready& side : sides) static_cast<void>(side.run());
    const double difference = relative_l2(sides[kWhole].output(), sides[kWithout].output());
    if (!(difference < (device_.precision == plan::Precision::f32 ? 1e-4 : 5e-2))) {
      disagree_ = true;
      return state.SkipWithError("the two plans disagree");
    }
    std::array<std::vector<double>, kSides> seconds, busy;
    std::vector<double> ratios;
    size_t first = kWhole;
    for (auto unused : state) {
      static_cast<void>(unused);
      for (const size_t side : {first, kSides - 1 - first}) {
        const Time time = sides[side].run();
        seconds[side].push_back(time.wall);
        busy[side].push_back(time.busy);
      }
      first = kSides - 1 - first;
      ratios.push_back(seconds[kWithout].back() / seconds[kWhole].back());
      state.SetIterationTime(seconds[kWhole].back());
    }
    const std::array<double, kSides> median{quantile(seconds[kWhole], 0.5),
                                            quantile(seconds[kWithout], 0.5)};
    state.counters["ratio"] = median[kWithout] / median[kWhole];
    state.counters["low"] = quantile(ratios, 0.25);
    state.counters["high"] = quantile(ratios, 0.75);
    if (device_.backend != plan::Backend::gpu) {
      state.counters["busy"] = quantile(busy[kWithout], 0.5) / quantile(busy[kWhole], 0.5);
    }
    for (const size_t side : {kWhole, kWithout}) {
      const std::string behind = side == kWhole ? "" : "_without";
      state.counters["ms" + behind] = 1e3 * median[side];
      state.counters["bytes" + behind] = static_cast<double>(sides[side].bytes());
      state.counters["arena" + behind] = static_cast<double>(sides[side].plan().arena_bytes);
    }
    state.SetLabel(std::to_string(sides[kWhole].plan().steps.size()) + " steps, without " +
                   std::to_string(sides[kWithout].plan().steps.size()));
  }

  [[nodiscard]] const std::string& device() const { return device_.text; }
  [[nodiscard]] int threads() const { return pool_.threads(); }
  [[nodiscard]] bool disagree() const { return disagree_; }

 private:
  [[nodiscard]] plan::Plan plan(const graph::Graph& graph,
                                const std::vector<std::string>& without) const {
    return plan::make(graph,
                      device_.options(pool_.threads(), session::passes_without(without), false));
  }
  /// Where leaving the pass out changes the plan.
  void add(const bench::ShortGraph& of, const std::string& pass) {
    const plan::Plan whole = plan(of.graph, {}), without = plan(of.graph, {pass});
    // Without layout every slot is larger, by gaps that only tests want: there the calls count alone.
    const bool changes = calls(whole) != calls(without) ||
                         (pass != "layout" && whole.arena_bytes != without.arena_bytes);
    if (!changes) return;
    benchmark::RegisterBenchmark(
        (of.name + "/without:" + pass).c_str(),
        [this, graph = of.graph, pass](benchmark::State& state) { run(state, graph, pass); })
        ->UseManualTime()
        ->Iterations(rounds_)
        ->Unit(benchmark::kMillisecond);
  }

  session::Device device_;
  ThreadPool pool_;
  int rounds_;
  bool disagree_ = false;
};

}  // namespace
}  // namespace kintsugi

int main(int argc, char** argv) {
  using namespace kintsugi;
  const auto option = [&](const char* name, const char* otherwise) {
    return bench::take(argc, argv, name, otherwise);
  };
  try {
    const std::string device = option("device", "cpu"), dtype = option("dtype", "f32");
    const int threads = std::atoi(option("threads", "0").c_str());
    const int rounds = std::atoi(option("rounds", "21").c_str());
    Program program(device, dtype, threads, rounds);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::AddCustomContext("device", program.device());
    benchmark::AddCustomContext("threads", std::to_string(program.threads()));
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return program.disagree() ? 4 : 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "plan_passes: %s\n", error.what());
    return 2;
  }
}
