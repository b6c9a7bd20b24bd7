// SPDX-License-Identifier: MIT
//
// emulator_speed: how fast the emulator emulates: a 3x3 convolution of 256 channels on 64x64 pixels, as
// a product 4096 x 256 x 2304, on one worker. By processor time, because a machine that does other
// things as well would show less; the median of seven.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <vector>

#include "benchmarks/gpu/problem.h"
#include "kernels/emulator/emulator.h"

int main() {
  using namespace kintsugi;
  emulator::set({.workers = 1});
  const gpu_bench::Layer layer{.name = "emulated",
                               .input = {1, 256, 64, 64},
                               .ops = {{"conv2d", {{"k", "256"}, {"padding", "1"}}}}};
  const auto stream = device::make_stream();
  for (const gpu_bench::Type type : gpu_bench::kTypes) {
    const gpu_bench::Problem problem = problem_of(layer, type, device::info());
    const std::vector<gpu_bench::Buffer> buffers = problem.runnable.fill();
    const gpu_bench::Launch launch = problem.runnable.bind(buffers);
    std::vector<double> seconds;
    for (int i = 0; i < 7; ++i) {
      const std::clock_t begin = std::clock();
      launch(*stream);
      device::synchronize(*stream);
      seconds.push_back(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    }
    std::sort(seconds.begin(), seconds.end());
    const auto flops = static_cast<double>(problem.flops);
    std::printf("%-4s %s: %.3f s, %.2f GFLOP/s on one core (best %.2f)\n", name_of(type),
                problem.config.c_str(), seconds[3], 1e-9 * flops / seconds[3],
                1e-9 * flops / seconds[0]);
  }
}
