// SPDX-License-Identifier: MIT
//
// Launches of kernels whose threads own one group of 16 bytes of a pixel's channels each: what they ask of
// their views, and how many groups there are. No CUDA here.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/core/error.h"
#include "kernels/core/steps.h"
#include "kernels/device/grid.h"
#include "kernels/device/narrow.h"

namespace kintsugi::device {

[[nodiscard]] inline bool is_aligned(const void* data) {
  return reinterpret_cast<uintptr_t>(data) % 16 == 0;
}
/// Whether every pixel starts at a multiple of 16 bytes.
template <class T>
[[nodiscard]] bool is_aligned(const TensorView<T>& view) {
  return view.pitch % (16 / static_cast<int64_t>(sizeof(T))) == 0 && is_aligned(view.data);
}

/// Throws Error::internal where a view or other memory of a launch is not aligned.
template <class... Memory>
void check_aligned(const char* op, const Memory&... memory) {
  if ((is_aligned(memory) && ...)) return;
  throw Error(ErrorCode::internal,
              std::string(op) + " on CUDA: a pixel does not start at 16 bytes");
}

struct Groups {
  uint32_t all = 0;  // of all pixels
  uint32_t of_pixel = 0;

  /// A thread for each.
  [[nodiscard]] Grid grid(unsigned threads) const {
    return {.x = static_cast<unsigned>(divide_up(int64_t{all}, int64_t{threads}))};
  }
};

/// Those of an image of Ts; throws Error::unsupported where they do not fit 31 bits.
template <class T>
[[nodiscard]] Groups groups_of(const char* op, const Shape& image) {
  const int64_t of_pixel = divide_up(image.c(), 16 / static_cast<int64_t>(sizeof(T)));
  const int all = narrow_int(op, checked_multiply(image.pixels(), of_pixel), "groups of 16 bytes");
  return {static_cast<uint32_t>(all), static_cast<uint32_t>(of_pixel)};
}

}  // namespace kintsugi::device
