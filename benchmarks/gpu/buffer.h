// SPDX-License-Identifier: MIT
//
// Device memory that frees itself. Nothing here is fast to fill: what is timed begins after it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "benchmarks/numbers.h"
#include "kernels/core/shape.h"
#include "kernels/device/api.h"

namespace kintsugi::gpu_bench {

using bench::random_values;
using bench::stored;

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
          static_cast<float>(number(all[static_cast<size_t>(pixel * pitch + c)]));
    }
  }
  return out;
}

}  // namespace kintsugi::gpu_bench
