// SPDX-License-Identifier: MIT
//
// What tests of CUDA kernels share, emulated or on a GPU: tensors in device buffers of exactly the
// size a kernel may touch. Gaps between pixels and outputs not yet written hold NaN, as in support.h.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "kernels/core/call.h"
#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/device/bound_steps.h"
#include "tests/kernels/support.h"

namespace kintsugi::test {

[[nodiscard]] inline float as_float(float value) { return value; }
[[nodiscard]] inline float as_float(f16 value) { return widen(value); }
[[nodiscard]] inline float as_float(bf16 value) { return widen(value); }

/// Elements of 16 bytes: a pixel occupies whole groups of them.
template <class T>
constexpr int64_t kGroup = 16 / static_cast<int64_t>(sizeof(T));

class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  /// Every bit set: a NaN in any type.
  explicit DeviceBuffer(int64_t bytes) : bytes_(static_cast<size_t>(bytes)) {
    memory_.reset(static_cast<std::byte*>(device::allocate(bytes_)));
    const std::vector<std::byte> ones(bytes_, std::byte{0xff});
    device::upload(memory_.get(), ones.data(), bytes_);
  }
  template <class T>
  explicit DeviceBuffer(const std::vector<T>& values)
      : DeviceBuffer(static_cast<int64_t>(values.size() * sizeof(T))) {
    device::upload(memory_.get(), values.data(), bytes_);
  }
  template <class T = std::byte>
  [[nodiscard]] T* data() const {
    return reinterpret_cast<T*>(memory_.get());
  }
  [[nodiscard]] size_t bytes() const { return bytes_; }
  [[nodiscard]] Workspace workspace() const {
    return {memory_.get(), static_cast<int64_t>(bytes_)};
  }
  template <class T>
  [[nodiscard]] std::vector<T> values() const {
    std::vector<T> out(bytes_ / sizeof(T));
    device::download(out.data(), memory_.get(), bytes_);
    return out;
  }

 private:
  struct Release {
    void operator()(std::byte* memory) const noexcept { device::release(memory); }
  };
  size_t bytes_ = 0;
  std::unique_ptr<std::byte, Release> memory_;
};

/// An activation on the device, NHWC, with `gap` groups of 16 bytes between pixels.
template <class T>
class DeviceTensor {
 public:
  explicit DeviceTensor(const Shape& shape, int64_t gap = 0)
      : shape_(shape),
        pitch_(round_up(shape.c(), kGroup<T>) + gap * kGroup<T>),
        buffer_(((shape.pixels() - 1) * pitch_ + round_up(shape.c(), kGroup<T>)) *
                static_cast<int64_t>(sizeof(T))) {}

  /// Holds `values`, rounded to T; pad channels are zero.
  DeviceTensor(const Tensor<float>& values, int64_t gap) : DeviceTensor(values.shape(), gap) {
    std::vector<T> all = buffer_.template values<T>();
    each_pixel([&](int64_t pixel, int64_t n, int64_t y, int64_t x) {
      for (int64_t c = 0; c < round_up(shape_.c(), kGroup<T>); ++c) {
        all[static_cast<size_t>(pixel * pitch_ + c)] =
            narrow<T>(c < shape_.c() ? values.view().at(n, c, y, x) : 0.0f);
      }
    });
    device::upload(buffer_.data(), all.data(), buffer_.bytes());
  }

  [[nodiscard]] TensorView<T> view() const { return {buffer_.data<T>(), shape_, pitch_}; }
  [[nodiscard]] const DeviceBuffer& buffer() const { return buffer_; }

  /// What it holds; fails the test where a pad channel is not zero or a gap was written.
  [[nodiscard]] Tensor<float> download() const {
    const std::vector<T> all = buffer_.template values<T>();
    Tensor<float> out(shape_);
    each_pixel([&](int64_t pixel, int64_t n, int64_t y, int64_t x) {
      const T* from = &all[static_cast<size_t>(pixel * pitch_)];
      for (int64_t c = 0; c < shape_.c(); ++c) out.view().at(n, c, y, x) = as_float(from[c]);
      const int64_t stored = round_up(shape_.c(), kGroup<T>);
      for (int64_t c = shape_.c(); c < stored; ++c) EXPECT_EQ(as_float(from[c]), 0.0f) << c;
      if (pixel + 1 == shape_.pixels()) return;
      for (int64_t c = stored; c < pitch_; ++c) EXPECT_TRUE(std::isnan(as_float(from[c]))) << c;
    });
    return out;
  }

 private:
  template <class F>
  void each_pixel(const F& f) const {
    int64_t pixel = 0;
    for (int64_t n = 0; n < shape_.n(); ++n) {
      for (int64_t y = 0; y < shape_.h(); ++y) {
        for (int64_t x = 0; x < shape_.w(); ++x) f(pixel++, n, y, x);
      }
    }
  }

  Shape shape_;
  int64_t pitch_;
  DeviceBuffer buffer_;
};

/// Values that T can hold, so that a reference is fed the same.
template <class T>
void round_to(Tensor<float>& tensor) {
  tensor.for_each([](int64_t, int64_t, int64_t, int64_t, float& v) { v = as_float(narrow<T>(v)); });
}

}  // namespace kintsugi::test
