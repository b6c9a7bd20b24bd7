// SPDX-License-Identifier: MIT
//
// conv_cpu [milliseconds a case] [threads] [part of a name]: the convolutions of real networks on
// the CPU, each against the machine's own multiply-add peak. Kernel and probe alternate in short
// slices, so that what else runs on the machine, and its clock, weigh on both; medians are
// compared. "of probe" is by wall-clock time. "busy" is by processor time: it stands when other
// programs take the processors away, but does not see a thread that waits for another.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "benchmarks/measure.h"
#include "kernels/simd/probe.h"
#include "tests/kernels/conv2d_cases.h"
#include "tests/kernels/conv_transpose2d_cases.h"

namespace kintsugi {
namespace {

struct Row {
  double milliseconds, gflops, share, busy_share;
};

Row measure(double flops, double budget_seconds, Parallel& parallel,
            const std::function<void()>& work) {
  std::vector<double> walls, rates, peaks, busy_rates, busy_peaks;
  work();
  const double start = time_of(work).wall;
  const auto repeats = std::max<int64_t>(7, static_cast<int64_t>(budget_seconds / (2 * start)));
  for (int64_t i = 0; i < repeats; ++i) {
    double peak = 0;
    const Time probe = time_of(
        [&] { peak = simd::fma_peak(parallel, simd::chosen(), std::clamp(start, 0.005, 0.02)); });
    const Time kernel = time_of(work);
    peaks.push_back(peak);
    busy_peaks.push_back(peak * probe.wall / probe.busy);
    walls.push_back(kernel.wall);
    rates.push_back(flops / kernel.wall * 1e-9);
    busy_rates.push_back(flops / kernel.busy * 1e-9);
  }
  return {median(walls) * 1e3, median(rates), median(rates) / median(peaks),
          median(busy_rates) / median(busy_peaks)};
}

/// The part of `values`, 16 too long, that starts at a cache line, as a plan places everything.
std::span<float> aligned(std::vector<float>& values) {
  const size_t skip = (64 - reinterpret_cast<uintptr_t>(values.data()) % 64) % 64 / sizeof(float);
  return std::span(values).subspan(skip, values.size() - 16);
}

/// Operands of any step of a case's epilogue: the largest is a whole output.
template <class Case, class Run>
void bench(const Case& c, double budget_seconds, Parallel& parallel, const Run& run) {
  const Shape out = output_shape(c.desc, c.input);
  const int64_t in_pitch = storage_channels(c.input.c()), out_pitch = storage_channels(out.c());
  std::vector<float> input = numbers(c.input.pixels() * in_pitch + 16);
  const std::vector<float> operand = numbers(out.pixels() * out_pitch + 16);
  const std::vector<float> weight = numbers(c.desc.weight_shape().elements());
  std::vector<float> output(operand.size());
  const auto config = choose(c.desc, c.input, simd::chosen());
  std::vector<float> packed(static_cast<size_t>(packed_elements(c.desc, config)) + 16);
  pack(c.desc, config, weight, aligned(packed));
  const std::vector<Operand<float>> operands(static_cast<size_t>(c.desc.epilogue.operand_count()),
                                             Operand<float>{operand.data(), out_pitch});
  const TensorView<const float> x{aligned(input).data(), c.input, in_pitch};
  const TensorView<float> y{aligned(output).data(), out, out_pitch};
  std::vector<float> scratch(
      static_cast<size_t>(workspace_elements(c.desc, config, c.input, parallel.threads())));
  const Row row = measure(static_cast<double>(flops(c.desc, c.input)), budget_seconds, parallel,
                          [&] { run(config, x, aligned(packed), operands, y, scratch); });
  std::printf("%-30s %9.3f %9.1f %7.1f %% %7.1f %%   %s\n", c.name.c_str(), row.milliseconds,
              row.gflops, 100 * row.share, 100 * row.busy_share, to_string(config).c_str());
  std::fflush(stdout);
}

}  // namespace
}  // namespace kintsugi

int main(int argc, char** argv) {
  using namespace kintsugi;
  const double budget_seconds = (argc > 1 ? std::atof(argv[1]) : 1000) * 1e-3;
  ThreadPool pool(argc > 2 ? std::atoi(argv[2]) : 2);
  std::printf("%s, %d threads, peak %.1f GFLOP/s, copy %.1f GB/s\n", to_string(simd::chosen()),
              pool.threads(), simd::fma_peak(pool), simd::copy_bandwidth(pool));
  std::printf("%-30s %9s %9s %9s %9s   %s\n", "case", "ms", "GFLOP/s", "of probe", "busy",
              "config");
  const std::string wanted = argc > 3 ? argv[3] : "";
  for (const conv2d::Case& c : conv2d::layers()) {
    if (c.name.find(wanted) == std::string::npos) continue;
    bench(c, budget_seconds, pool,
          [&](const auto& config, const auto& x, const auto& w, const auto& operands, const auto& y,
              std::span<float> scratch) {
            conv2d::cpu(c.desc, config, {x, w, operands, y, scratch}, pool);
          });
  }
  for (const conv_transpose2d::Case& c : conv_transpose2d::layers()) {
    if (c.name.find(wanted) == std::string::npos) continue;
    bench(c, budget_seconds, pool,
          [&](const auto& config, const auto& x, const auto& w, const auto& operands, const auto& y,
              std::span<float> scratch) {
            conv_transpose2d::cpu(c.desc, config, {x, w, operands, y, scratch}, pool);
          });
  }
}
