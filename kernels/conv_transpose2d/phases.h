// SPDX-License-Identifier: MIT
//
// The phases of a transposed convolution, one axis at a time: output coordinates q*stride + o of one
// remainder o are met by the same taps, and tap by tap read input pixels a fixed way apart. It is all
// arithmetic, so that a block of a CUDA kernel can ask for its phase, whatever the stride, and the
// host counts by the same words. An axis owns nothing; axis_of makes one that fits 31 bits.
//
//   Tap r meets output y where r*dilation == y + padding modulo the stride, and reads input pixel
//   (y + padding - r*dilation) / stride. With g = gcd(stride, dilation) such taps are stride/g apart,
//   and read pixels that lie dilation/g back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "kernels/core/shape.h"
#include "kernels/device/narrow.h"

namespace kintsugi::conv_transpose2d {

/// Phases of both axes that have a pixel: a hostile stride has no end of others.
[[nodiscard]] inline Pair phases_of(Pair stride, const Shape& output) {
  return {std::min(stride.h, output.h()), std::min(stride.w, output.w())};
}

struct Axis {
  int extent = 1;  // of the output
  int stride = 1;
  int padding = 0;
  int kernel = 1;
  int common = 1;   // g
  int apart = 1;    // taps of a phase: stride / g
  int back = 1;     // input pixels from a tap of a phase back to its next: dilation / g
  int inverse = 0;  // of `back`, modulo `apart`
};

/// The widest tile with prologue steps: beside what a block must know of its phase, sums of 128
/// columns and a step's operands do not fit a thread's 128 registers.
inline constexpr int kWidestChanged = 64;

/// Throws Error::unsupported where the arithmetic below would leave 31 bits.
[[nodiscard]] inline Axis axis_of(int64_t extent, int64_t kernel, int64_t stride, int64_t dilation,
                                  int64_t padding) {
  const auto narrow = [](int64_t value, const char* what) {
    return device::narrow_int("conv_transpose2d", value, what);
  };
  const int64_t common = std::gcd(stride, dilation);
  const int64_t apart = stride / common;
  const int64_t back = dilation / common;
  static_cast<void>(narrow(checked_add(extent, stride), "pixels"));
  static_cast<void>(narrow(checked_add(stride, padding), "pixels"));
  static_cast<void>(narrow(checked_multiply(kernel, dilation), "pixels"));
  static_cast<void>(narrow(checked_multiply(apart, apart), "pairs of phases"));
  int64_t inverse = 0;
  while (inverse < apart && back % apart * inverse % apart != 1 % apart) ++inverse;
  return {.extent = narrow(extent, "pixels"),
          .stride = narrow(stride, "pixels"),
          .padding = narrow(padding, "pixels"),
          .kernel = narrow(kernel, "taps"),
          .common = narrow(common, "pixels"),
          .apart = narrow(apart, "taps"),
          .back = narrow(back, "pixels"),
          .inverse = narrow(inverse, "taps")};
}

/// Taps first, first + apart, ... of a phase. The first reads pixel q + source, if there is one.
struct PhaseTaps {
  int first = 0;
  int count = 0;
  int source = 0;
};

/// Phases that have an output coordinate.
[[nodiscard]] constexpr int phases(const Axis& axis) {
  return axis.stride < axis.extent ? axis.stride : axis.extent;
}

[[nodiscard]] constexpr int outputs(const Axis& axis, int phase) {
  return (axis.extent - phase + axis.stride - 1) / axis.stride;
}

[[nodiscard]] constexpr PhaseTaps taps_of(const Axis& axis, int phase) {
  const int at = phase + axis.padding;
  if (at % axis.common != 0) return {};
  const int first = at / axis.common % axis.apart * axis.inverse % axis.apart;
  if (first >= axis.kernel) return {};
  return {first, (axis.kernel - 1 - first) / axis.apart + 1,
          (at - first * axis.back * axis.common) / axis.stride};
}

}  // namespace kintsugi::conv_transpose2d
