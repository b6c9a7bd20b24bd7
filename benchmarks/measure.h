// SPDX-License-Identifier: MIT
//
// What the CPU benchmarks share: a clock, medians, and numbers to compute with.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <vector>

namespace kintsugi {

struct Time {
  double wall = 0, busy = 0;  // seconds; busy: of processor, all threads together
};

template <class Work>
Time time_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t busy = std::clock();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
          static_cast<double>(std::clock() - busy) / CLOCKS_PER_SEC};
}

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

/// Not zeros, and nothing a multiplication could shorten.
inline std::vector<float> numbers(int64_t count) {
  std::vector<float> out(static_cast<size_t>(count));
  uint32_t state = 1;
  for (float& v : out) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<float>(state >> 8) * 0x1p-23f - 1.0f;
  }
  return out;
}

}  // namespace kintsugi
