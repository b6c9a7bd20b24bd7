// SPDX-License-Identifier: MIT
//
// How fast the emulator emulates: the tensor-core specimen at the size of a 3x3 convolution of 256
// channels at 64 x 64, on one worker. GFLOP/s by processor time, so that a loaded machine shows less.
#include <benchmark/benchmark.h>

#include <ctime>

#include "tests/emulator/specimens.h"
#include "tests/emulator/support.h"

namespace kintsugi::specimen {
namespace {

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void emulated_gemm(benchmark::State& state) {
  const int m = 4096;
  const int n = 256;
  const int k = 2304;
  OnDevice<f16> a(random_values<f16>(static_cast<std::size_t>(m) * k, 1));
  OnDevice<f16> b(random_values<f16>(static_cast<std::size_t>(n) * k, 2));
  OnDevice<float> c(static_cast<std::size_t>(m) * n);
  emulator::set({.workers = 1});
  const auto stream = device::make_stream();
  for (auto step : state) {
    const double begin = processor_seconds();
    gemm<f16>(*stream, {a.data(), b.data(), c.data(), m, n, k});
    device::synchronize(*stream);
    state.SetIterationTime(processor_seconds() - begin);
  }
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * m * n * k, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(emulated_gemm)->UseManualTime()->Unit(benchmark::kMillisecond)->Repetitions(5);

}  // namespace
}  // namespace kintsugi::specimen
