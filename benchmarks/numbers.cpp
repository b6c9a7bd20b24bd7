// SPDX-License-Identifier: MIT
#include "benchmarks/numbers.h"

#include <algorithm>

namespace kintsugi::bench {

std::vector<float> random_values(int64_t count, uint32_t seed) {
  // A period that is no multiple of anything; to draw every number of a large tensor takes seconds.
  constexpr int64_t kPeriod = (int64_t{1} << 20) - 3;
  std::vector<float> out(static_cast<size_t>(count));
  uint32_t state = seed * 2654435761u + 1;
  for (int64_t i = 0; i < std::min(count, kPeriod); ++i) {
    state = state * 1664525u + 1013904223u;
    out[static_cast<size_t>(i)] = (static_cast<float>(state >> 9) + 0.5f) * 0x1p-22f - 1.0f;
  }
  for (int64_t i = kPeriod; i < count; i += kPeriod) {
    std::copy_n(out.begin(), std::min(kPeriod, count - i), out.begin() + i);
  }
  return out;
}

}  // namespace kintsugi::bench
