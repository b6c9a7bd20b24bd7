// SPDX-License-Identifier: MIT
//
// emulator_speed: how fast the emulator emulates: a 3x3 convolution of 256 channels on 64x64 pixels, as
// a product 4096 x 256 x 2304, on one worker. By processor time, because a machine that does other
// things as well would show less; the median of seven.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <vector>

#include "kernels/emulator/emulator.h"
#include "tests/device/conv2d_trial.h"

int main() {
  using namespace kintsugi;
  using conv2d::Type;
  emulator::set({.workers = 1});
  const conv2d::Desc desc{.in_channels = 256, .out_channels = 256, .kernel = 3, .padding = 1};
  const Shape input{1, 256, 64, 64};
  for (const Type type : {Type::f16, Type::bf16, Type::tf32, Type::f32}) {
    conv2d::with_storage(type, [&]<class T>(T) {
      const conv2d::Trial<T> trial(desc, input, type);
      const conv2d::Launched<T> launched(trial, 0);
      std::vector<double> seconds;
      for (int i = 0; i < 7; ++i) {
        const std::clock_t begin = std::clock();
        launched.run();
        seconds.push_back(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
      }
      std::sort(seconds.begin(), seconds.end());
      const auto flops = static_cast<double>(conv2d::flops(desc, input));
      std::printf("%-4s %s: %.3f s, %.2f GFLOP/s on one core (best %.2f)\n", name_of(type),
                  to_string(trial.config).c_str(), seconds[3], 1e-9 * flops / seconds[3],
                  1e-9 * flops / seconds[0]);
    });
  }
}
