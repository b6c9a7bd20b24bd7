// SPDX-License-Identifier: MIT
//
// cpu_kernels [--threads=N] and what every program of Google Benchmark takes: each op's layers
// (kernels/<op>/cases.h) by the CPU's kernels. FLOPs and bytes are the contract's. `of_probe` is the share
// of the processor's own multiply-adds: kernel and probe alternate in short slices, so that what else
// runs on the machine, and its clock, weigh on both.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/arguments.h"
#include "benchmarks/host_chain.h"
#include "kernels/contract/cases.h"
#include "kernels/simd/probe.h"

namespace kintsugi {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void measure(benchmark::State& state, const bench::HostChain& ready, Parallel& parallel) {
  constexpr double kSlice = 0.02, kProbe = 0.005;  // seconds
  ready.run(parallel);
  std::vector<double> peaks;
  double all = 0, slice = kSlice;
  for (auto unused : state) {
    static_cast<void>(unused);
    if (slice >= kSlice) {
      peaks.push_back(1e9 * simd::fma_peak(parallel, simd::chosen(), kProbe));
      slice = 0;
    }
    const Clock::time_point start = Clock::now();
    ready.run(parallel);
    const double seconds = seconds_since(start);
    state.SetIterationTime(seconds);
    slice += seconds;
    all += seconds;
  }
  const Cost cost = ready.chain().cost();
  const auto flops = static_cast<double>(cost.flops);
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["bytes/s"] = {static_cast<double>(cost.bytes), rate};
  if (cost.flops > 0) {
    std::ranges::nth_element(peaks, peaks.begin() + static_cast<int64_t>(peaks.size() / 2));
    state.counters["FLOP/s"] = {flops, rate};
    state.counters["of_probe"] =
        flops * static_cast<double>(state.iterations()) / all / peaks[peaks.size() / 2];
  }
  state.SetLabel(ready.chain().description() + "; " + ready.chain().config());
}

}  // namespace
}  // namespace kintsugi

int main(int argc, char** argv) {
  using namespace kintsugi;
  ThreadPool pool(std::atoi(bench::take(argc, argv, "threads", "0").c_str()));
  std::vector<OpCase> layers;
  for (const OpCases& op : all_cases()) {
    for (OpCase layer : op.layers()) {
      layer.name = std::string(op.op) + "/" + layer.name;
      layers.push_back(std::move(layer));
    }
  }
  // One layer in memory: a benchmark is called several times, the first to learn how long it takes.
  std::unique_ptr<bench::HostChain> ready;
  const OpCase* loaded = nullptr;
  for (const OpCase& layer : layers) {
    const auto run = [&](benchmark::State& state) {
      if (loaded != &layer) {
        ready = std::make_unique<bench::HostChain>(layer.op, layer.inputs, pool.threads());
      }
      loaded = &layer;
      measure(state, *ready, pool);
    };
    benchmark::RegisterBenchmark(layer.name.c_str(), run)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("instruction set", to_string(simd::chosen()));
  benchmark::AddCustomContext("threads", std::to_string(pool.threads()));
  benchmark::AddCustomContext("copied GB/s", std::to_string(simd::copy_bandwidth(pool)));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
