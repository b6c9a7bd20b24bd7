// SPDX-License-Identifier: MIT
//
// TensorView is a non-owning, const-correct window on an activation. Its logical shape is
// [N, C, H, W]; its storage is NHWC: the channels of a pixel stand together, and `pitch` elements
// separate one pixel from the next. The plan owns the memory and chooses the pitch; kernels only
// read and write through views.
//
// Pad channels, those from C up to storage_channels(C), are zero whenever a kernel may load them:
// whoever writes a view writes them as zeros, and every reader may count on it. Samples of images (u8,
// u16) and records of moments stand without gaps and have no pads.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/core/dtype.h"
#include "kernels/core/shape.h"

namespace kintsugi {

/// Of f32, and of f64: a pixel occupies whole groups of so many channels.
constexpr int64_t kChannelGranule = granule(DType::f32);

[[nodiscard]] constexpr int64_t storage_channels(int64_t channels) {
  return round_up(channels, kChannelGranule);
}

template <class T>
struct TensorView {
  T* data = nullptr;
  Shape shape;        // [N, C, H, W]
  int64_t pitch = 0;  // elements from one pixel to the next

  [[nodiscard]] T* pixel(int64_t n, int64_t y, int64_t x) const {
    return data + ((n * shape.h() + y) * shape.w() + x) * pitch;
  }
  [[nodiscard]] T& at(int64_t n, int64_t c, int64_t y, int64_t x) const {
    return pixel(n, y, x)[c];
  }
  template <class U>  // NOLINT: a reader's view of a writer's is always fine
  operator TensorView<const U>() const requires(std::is_same_v<U, T>) {
    return {data, shape, pitch};
  }
};

}  // namespace kintsugi
