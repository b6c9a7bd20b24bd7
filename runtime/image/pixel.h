// SPDX-License-Identifier: MIT
//
// What one pixel of a picture means, whether its samples have 8 bits or 16: channels, alpha, RGB in
// [0, 1]; by the arithmetic that the kernels share (kernels/core/sample.h).
// It is not an image type and walks no picture; it reads one pixel at a time, so that no float copy
// of a whole picture is ever needed.
// It owns nothing.
// Called by everything here that works on pictures, and by the networks' tasks.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "kernels/core/sample.h"
#include "kintsugi/image.hpp"

namespace kintsugi::image {

/// What an 8-bit sample is at 16 bits: white stays white, and nothing is rounded.
constexpr int32_t kWidened = 257;
/// A 16-bit sample at 8 bits, rounded to nearest.
[[nodiscard]] constexpr uint8_t narrowed(int32_t sample) {
  return static_cast<uint8_t>((sample + kWidened / 2) / kWidened);
}

[[nodiscard]] inline int64_t samples_of(const ImageView& image) {
  return image.width * image.height * image.channels;
}
[[nodiscard]] inline int64_t pixel_bytes(const ImageView& image) {
  return image.channels * (image.bits / 8);
}
[[nodiscard]] inline const uint8_t* pixel_at(const ImageView& image, int64_t y, int64_t x) {
  return image.pixels + (y * image.width + x) * pixel_bytes(image);
}

/// Sample `i` of a picture, all channels counted.
[[nodiscard]] inline int32_t sample_at(const uint8_t* pixels, int64_t bits, int64_t i) {
  if (bits == 8) return pixels[i];
  uint16_t sample = 0;
  std::memcpy(&sample, pixels + 2 * i, sizeof sample);
  return sample;
}
[[nodiscard]] inline int32_t sample_at(const ImageView& image, int64_t y, int64_t x, int64_t c) {
  return sample_at(image.pixels, image.bits, (y * image.width + x) * image.channels + c);
}
/// `value` is at least 0 and at most white.
inline void put_sample(Image& image, int64_t i, int32_t value) {
  if (image.bits == 8) {
    image.pixels[static_cast<size_t>(i)] = static_cast<uint8_t>(value);
    return;
  }
  const auto sample = static_cast<uint16_t>(value);
  std::memcpy(image.pixels.data() + 2 * i, &sample, sizeof sample);
}

/// 16-bit samples as files have them, the high byte first; `bytes` says how many.
inline void to_big_endian(const uint8_t* samples, std::span<uint8_t> bytes) {
  for (size_t i = 0; i < bytes.size(); i += 2) {
    const int32_t sample = sample_at(samples, 16, static_cast<int64_t>(i / 2));
    bytes[i] = static_cast<uint8_t>(sample >> 8);
    bytes[i + 1] = static_cast<uint8_t>(sample & 0xff);
  }
}

/// The same pixels, owned; no metadata, which a view has not.
[[nodiscard]] inline Image copy_of(const ImageView& image) {
  const uint8_t* end = image.pixels + image.width * image.height * pixel_bytes(image);
  return {.width = image.width,
          .height = image.height,
          .channels = image.channels,
          .pixels = {image.pixels, end},
          .bits = image.bits};
}
/// A black picture of this extent.
[[nodiscard]] inline Image black(int64_t width, int64_t height, int64_t channels, int64_t bits) {
  return {
      .width = width,
      .height = height,
      .channels = channels,
      .pixels = std::vector<uint8_t>(static_cast<size_t>(width * height * channels * (bits / 8))),
      .bits = bits};
}

/// The colour of a pixel as samples; grey is repeated, alpha dropped.
using Samples = std::array<int32_t, 3>;
[[nodiscard]] inline Samples samples_at(const ImageView& image, int64_t y, int64_t x) {
  const int32_t first = sample_at(image, y, x, 0);
  if (is_grey(image.channels)) return {first, first, first};
  return {first, sample_at(image, y, x, 1), sample_at(image, y, x, 2)};
}

/// Samples as numbers in [0, 1].
[[nodiscard]] inline std::array<float, 3> to_unit(const Samples& rgb, int64_t bits) {
  const int32_t white = white_of(bits);
  return {unit(rgb[0], white), unit(rgb[1], white), unit(rgb[2], white)};
}

/// The colour of a pixel in [0, 1].
[[nodiscard]] inline std::array<float, 3> rgb_at(const ImageView& image, int64_t y, int64_t x) {
  return to_unit(samples_at(image, y, x), image.bits);
}

/// Clamped to [0, 1], times white, truncated as the official code does. NaN must have been refused
/// before.
[[nodiscard]] inline int32_t to_sample(float value, int64_t bits) {
  return quantised(value, white_of(bits));
}

}  // namespace kintsugi::image
