// SPDX-License-Identifier: MIT
//
// emulator_speed: how fast the emulator emulates. The tensor-core specimen of its tests, as large as a
// 3x3 convolution of 256 channels on 64 x 64 pixels, on one worker. By processor time, because a
// machine that does other things as well would show less; the median of seven.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <vector>

#include "tests/emulator/specimens.h"
#include "tests/emulator/support.h"

int main() {
  using namespace kintsugi;
  using namespace kintsugi::specimen;
  constexpr int kM = 4096;
  constexpr int kN = 256;
  constexpr int kK = 2304;
  OnDevice<f16> a(random_values<f16>(std::size_t{kM} * kK, 1));
  OnDevice<f16> b(random_values<f16>(std::size_t{kN} * kK, 2));
  OnDevice<float> c(std::size_t{kM} * kN);
  emulator::set({.workers = 1});
  const auto stream = device::make_stream();
  std::vector<double> seconds;
  for (int i = 0; i < 7; ++i) {
    const std::clock_t begin = std::clock();
    gemm<f16>(*stream, {a.data(), b.data(), c.data(), kM, kN, kK});
    device::synchronize(*stream);
    seconds.push_back(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  std::sort(seconds.begin(), seconds.end());
  std::printf("%d x %d x %d f16, one core: %.3f s, %.2f GFLOP/s (best %.2f)\n", kM, kN, kK,
              seconds[3], 2e-9 * kM * kN * kK / seconds[3], 2e-9 * kM * kN * kK / seconds[0]);
}
