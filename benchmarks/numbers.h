// SPDX-License-Identifier: MIT
//
// Numbers to compute with: random, never zero, the same in every run; and how they are stored.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/core/element.h"
#include "kernels/core/shape.h"

namespace kintsugi::bench {

/// In [-1, 1), no two neighbours equal, none zero.
[[nodiscard]] std::vector<float> random_values(int64_t count, uint32_t seed);

/// Channels of a pixel with its pad: whole groups of 16 bytes.
template <class T>
[[nodiscard]] constexpr int64_t pitch_of(int64_t channels) {
  return round_up(channels, 16 / static_cast<int64_t>(sizeof(T)));
}

/// `values` [pixels, channels] as T with the pad channels zero.
template <class T>
[[nodiscard]] std::vector<T> stored(const std::vector<float>& values, int64_t channels,
                                    int64_t pitch) {
  const int64_t pixels = static_cast<int64_t>(values.size()) / channels;
  std::vector<T> out(static_cast<size_t>(pixels * pitch));
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t c = 0; c < channels; ++c) {
      out[static_cast<size_t>(pixel * pitch + c)] =
          element<T>(values[static_cast<size_t>(pixel * channels + c)]);
    }
  }
  return out;
}
template <class T>
[[nodiscard]] std::vector<T> stored(const std::vector<float>& values, int64_t channels) {
  return stored<T>(values, channels, pitch_of<T>(channels));
}

}  // namespace kintsugi::bench
