// SPDX-License-Identifier: MIT
//
// The emulator's half of kernels/device/numeric.cuh.
#pragma once

#include <bit>
#include <cmath>

#include "kernels/device/launch.cuh"

namespace kintsugi::device {

[[nodiscard]] inline float to_float(float value) { return value; }
[[nodiscard]] inline float to_float(f16 value) { return widen(value); }
[[nodiscard]] inline float to_float(bf16 value) { return widen(value); }

/// The nearest T, ties to even.
template <typename T>
[[nodiscard]] T from_float(float value) {
  return narrow<T>(value);
}

/// Two neighbours in one word, `low` in the lower half.
template <typename T>
[[nodiscard]] uint32_t pack2(float low, float high) {
  return static_cast<uint32_t>(narrow<T>(low).bits) | static_cast<uint32_t>(narrow<T>(high).bits)
                                                          << 16;
}

/// The nearest tf32, ties away from zero, as cvt.rna.
[[nodiscard]] inline tf32 to_tf32(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7f800000u) == 0x7f800000u) return {(bits & 0x7fffffu) != 0 ? 0x7fffffffu : bits};
  return {(bits + 0x1000u) & ~0x1fffu};
}

[[nodiscard]] inline float exp2(float value) { return std::exp2(value); }
[[nodiscard]] inline float rcp(float value) { return 1.0f / value; }
[[nodiscard]] inline float rsqrt(float value) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(value)));
}
[[nodiscard]] inline float fma(float a, float b, float c) { return std::fma(a, b, c); }
[[nodiscard]] inline double fma(double a, double b, double c) { return std::fma(a, b, c); }

}  // namespace kintsugi::device
