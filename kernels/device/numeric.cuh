// SPDX-License-Identifier: MIT
//
// Conversions and the few functions that have an instruction. f16 and bf16 are storage
// (kernels/core/half.h): to_float, arithmetic in f32, from_float. Sums and products need no name
// here, but beware that the compiler contracts a * b + c into an fma unless told not to.
#pragma once

#include "kernels/device/launch.cuh"

namespace kintsugi::device {

[[nodiscard]] KIN_DEVICE float to_float(float value) { return value; }
[[nodiscard]] KIN_DEVICE float to_float(f16 value) {
  float wide;
  asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(value.bits));
  return wide;
}
[[nodiscard]] KIN_DEVICE float to_float(bf16 value) {
  return __uint_as_float(static_cast<uint32_t>(value.bits) << 16);
}

/// The nearest T, ties to even.
template <typename T>
[[nodiscard]] KIN_DEVICE T from_float(float value);
template <>
[[nodiscard]] KIN_DEVICE float from_float<float>(float value) {
  return value;
}
template <>
[[nodiscard]] KIN_DEVICE f16 from_float<f16>(float value) {
  f16 narrow;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(narrow.bits) : "f"(value));
  return narrow;
}
template <>
[[nodiscard]] KIN_DEVICE bf16 from_float<bf16>(float value) {
  bf16 narrow;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(narrow.bits) : "f"(value));
  return narrow;
}

/// Two neighbours in one word, `low` in the lower half.
template <typename T>
[[nodiscard]] KIN_DEVICE uint32_t pack2(float low, float high);
template <>
[[nodiscard]] KIN_DEVICE uint32_t pack2<f16>(float low, float high) {
  uint32_t word;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}
template <>
[[nodiscard]] KIN_DEVICE uint32_t pack2<bf16>(float low, float high) {
  uint32_t word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}

/// The nearest tf32, ties away from zero.
[[nodiscard]] KIN_DEVICE tf32 to_tf32(float value) {
  tf32 narrow;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(narrow.bits) : "f"(value));
  return narrow;
}

[[nodiscard]] KIN_DEVICE float exp2(float value) {
  float result;
  asm("ex2.approx.f32 %0, %1;" : "=f"(result) : "f"(value));
  return result;
}
[[nodiscard]] KIN_DEVICE float rcp(float value) {
  float result;
  asm("rcp.rn.f32 %0, %1;" : "=f"(result) : "f"(value));
  return result;
}
[[nodiscard]] KIN_DEVICE float rsqrt(float value) {
  float result;
  asm("rsqrt.approx.f32 %0, %1;" : "=f"(result) : "f"(value));
  return result;
}
[[nodiscard]] KIN_DEVICE float fma(float a, float b, float c) {
  float result;
  asm("fma.rn.f32 %0, %1, %2, %3;" : "=f"(result) : "f"(a), "f"(b), "f"(c));
  return result;
}
[[nodiscard]] KIN_DEVICE double fma(double a, double b, double c) {
  double result;
  asm("fma.rn.f64 %0, %1, %2, %3;" : "=d"(result) : "d"(a), "d"(b), "d"(c));
  return result;
}

}  // namespace kintsugi::device
