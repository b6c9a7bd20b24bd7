// SPDX-License-Identifier: MIT
//
// Device memory that frees itself, and numbers to put there: random, never zero, the same in every
// run. Nothing here is fast to fill: what is timed begins after it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/core/half.h"
#include "kernels/core/shape.h"
#include "kernels/device/api.h"

namespace kintsugi::gpu_bench {

class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t bytes)
      : bytes_(static_cast<size_t>(bytes)),
        memory_(static_cast<std::byte*>(device::allocate(bytes_))) {}
  template <class T>
  explicit Buffer(const std::vector<T>& values)
      : Buffer(static_cast<int64_t>(values.size() * sizeof(T))) {
    device::upload(memory_.get(), values.data(), bytes_);
  }
  /// Another of the same content, as soon as the stream gets there.
  [[nodiscard]] Buffer copy(device::Stream& stream) const {
    Buffer other(static_cast<int64_t>(bytes_));
    if (bytes_ > 0) device::copy(stream, other.data(), data(), bytes_);
    return other;
  }
  [[nodiscard]] size_t bytes() const { return bytes_; }
  template <class T = std::byte>
  [[nodiscard]] T* data() const {
    return reinterpret_cast<T*>(memory_.get());
  }

 private:
  struct Release {
    void operator()(std::byte* memory) const noexcept { device::release(memory); }
  };
  size_t bytes_ = 0;
  std::unique_ptr<std::byte, Release> memory_;
};

/// In [-1, 1), no two neighbours equal, none zero.
[[nodiscard]] std::vector<float> random_values(int64_t count, uint32_t seed);

/// Channels of a pixel with its pad: whole groups of 16 bytes.
template <class T>
[[nodiscard]] constexpr int64_t pitch_of(int64_t channels) {
  return round_up(channels, 16 / static_cast<int64_t>(sizeof(T)));
}

template <class T>
[[nodiscard]] float widened(T value) {
  if constexpr (sizeof(T) == 4) {
    return value;
  } else {
    return widen(value);
  }
}

/// Every value as T holds it.
template <class T>
[[nodiscard]] std::vector<float> rounded(std::vector<float> values) {
  for (float& value : values) value = widened(narrow<T>(value));
  return values;
}

/// `values` [pixels, channels] as T with the pad channels zero.
template <class T>
[[nodiscard]] std::vector<T> stored(const std::vector<float>& values, int64_t channels) {
  const int64_t pitch = pitch_of<T>(channels);
  const int64_t pixels = static_cast<int64_t>(values.size()) / channels;
  std::vector<T> out(static_cast<size_t>(pixels * pitch));
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t c = 0; c < channels; ++c) {
      out[static_cast<size_t>(pixel * pitch + c)] =
          narrow<T>(values[static_cast<size_t>(pixel * channels + c)]);
    }
  }
  return out;
}

/// What a kernel left, without its pads: [pixels, channels].
template <class T>
[[nodiscard]] std::vector<float> fetched(const Buffer& buffer, const Shape& shape, int64_t pitch) {
  const int64_t pixels = shape.pixels(), channels = shape.c();
  std::vector<T> all(static_cast<size_t>(pixels * pitch));
  device::download(all.data(), buffer.data(), all.size() * sizeof(T));
  std::vector<float> out(static_cast<size_t>(pixels * channels));
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t c = 0; c < channels; ++c) {
      out[static_cast<size_t>(pixel * channels + c)] =
          widened(all[static_cast<size_t>(pixel * pitch + c)]);
    }
  }
  return out;
}

}  // namespace kintsugi::gpu_bench
