// SPDX-License-Identifier: MIT
//
// What one pixel of an 8-bit picture means: channels, alpha, RGB in [0, 1], luma.
// It is not an image type and walks no picture; it reads one pixel at a time, so that no float copy
// of a whole picture is ever needed.
// It owns nothing.
// Called by mask, compose, metrics, side_by_side and the networks' tasks.
#pragma once

#include <array>
#include <cstdint>

#include "kintsugi/image.hpp"

namespace kintsugi::image {

[[nodiscard]] constexpr bool has_alpha(int64_t channels) { return channels == 2 || channels == 4; }
[[nodiscard]] constexpr bool is_grey(int64_t channels) { return channels <= 2; }
/// Channels without alpha: 1 or 3.
[[nodiscard]] constexpr int64_t colours(int64_t channels) { return is_grey(channels) ? 1 : 3; }

[[nodiscard]] inline const uint8_t* pixel_at(const ImageView& image, int64_t y, int64_t x) {
  return image.pixels + (y * image.width + x) * image.channels;
}

/// The colour of a pixel as bytes; grey is repeated, alpha dropped.
[[nodiscard]] inline std::array<uint8_t, 3> rgb8_at(const ImageView& image, int64_t y, int64_t x) {
  const uint8_t* pixel = pixel_at(image, y, x);
  if (is_grey(image.channels)) return {pixel[0], pixel[0], pixel[0]};
  return {pixel[0], pixel[1], pixel[2]};
}

/// Bytes as numbers in [0, 1].
[[nodiscard]] inline std::array<float, 3> to_unit(const std::array<uint8_t, 3>& rgb) {
  return {static_cast<float>(rgb[0]) / 255.0F, static_cast<float>(rgb[1]) / 255.0F,
          static_cast<float>(rgb[2]) / 255.0F};
}

/// The colour of a pixel in [0, 1].
[[nodiscard]] inline std::array<float, 3> rgb_at(const ImageView& image, int64_t y, int64_t x) {
  return to_unit(rgb8_at(image, y, x));
}

/// Y = 0.299 R + 0.587 G + 0.114 B, summed in double: equal channels give exactly their value.
[[nodiscard]] inline float luma(const std::array<float, 3>& rgb) {
  return static_cast<float>(0.299 * static_cast<double>(rgb[0]) +
                            0.587 * static_cast<double>(rgb[1]) +
                            0.114 * static_cast<double>(rgb[2]));
}

/// Clamped to [0, 1], times 255, truncated as the official code does: a byte divided by 255 comes
/// back as itself. NaN must have been refused before.
[[nodiscard]] inline uint8_t to_byte(float value) {
  const float clamped = value < 0.0F ? 0.0F : (value > 1.0F ? 1.0F : value);
  return static_cast<uint8_t>(clamped * 255.0F);
}

}  // namespace kintsugi::image
