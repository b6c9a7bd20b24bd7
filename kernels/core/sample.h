// SPDX-License-Identifier: MIT
//
// What the samples of an image mean: which of its channels are colours, a sample as a number in
// [0, 1], a number as a sample. Every step is in float and in this order, so that an image becomes the
// same numbers wherever it is converted: by the kernels of to_tensor and to_image, and on the host.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

namespace kintsugi::image {

/// The largest sample; S is uint8_t or uint16_t.
template <class S>
constexpr int32_t kWhite = std::numeric_limits<S>::max();

/// The largest sample of so many bits, white and opaque.
[[nodiscard]] constexpr int32_t white_of(int64_t bits) { return bits == 16 ? 65535 : 255; }

[[nodiscard]] constexpr bool has_alpha(int64_t channels) { return channels == 2 || channels == 4; }
[[nodiscard]] constexpr bool is_grey(int64_t channels) { return channels <= 2; }
/// Channels without alpha: 1 or 3.
[[nodiscard]] constexpr int64_t colours(int64_t channels) { return is_grey(channels) ? 1 : 3; }

/// A sample as a number in [0, 1]; `white` is the largest sample.
[[nodiscard]] constexpr float unit(int32_t sample, int32_t white) {
  return static_cast<float>(sample) / static_cast<float>(white);
}

/// Y = 0.299 R + 0.587 G + 0.114 B, summed in double: equal channels give exactly their value.
[[nodiscard]] constexpr float luma(const std::array<float, 3>& rgb) {
  return static_cast<float>(0.299 * static_cast<double>(rgb[0]) +
                            0.587 * static_cast<double>(rgb[1]) +
                            0.114 * static_cast<double>(rgb[2]));
}

[[nodiscard]] constexpr float clamp_to_unit(float value) {
  return value < 0.0F ? 0.0F : (value > 1.0F ? 1.0F : value);
}

/// Clamped to [0, 1], times white, truncated: a sample divided by white comes back as itself, at 8
/// bits and at 16. NaN must have been refused before.
[[nodiscard]] constexpr int32_t quantised(float value, int32_t white) {
  return static_cast<int32_t>(clamp_to_unit(value) * static_cast<float>(white));
}

}  // namespace kintsugi::image
