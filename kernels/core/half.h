// SPDX-License-Identifier: MIT
//
// f16 and bf16 are how a 16-bit number is stored, on the host and on a device: bits and nothing
// else. They have no arithmetic. The conversions here are the definition, bit by bit, rounding to
// nearest even; a device has instructions for them (kernels/device/numeric.cuh). Kernels, their
// references and their tests use them.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/core/dtype.h"

namespace kintsugi {

struct f16 {
  uint16_t bits = 0;
};
struct bf16 {
  uint16_t bits = 0;
};

[[nodiscard]] constexpr uint16_t narrow_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  uint32_t rest = bits & 0x7fffffffu;
  if (rest > 0x7f800000u) return 0x7fffu;  // NaN, as cvt.rn.f16 gives
  if (rest >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // rounds to infinity
  if (rest < 0x38800000u) {  // subnormal: a multiple of 2^-24; adding 0.5 rounds to it, to even
    const float shifted = std::bit_cast<float>(rest) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000u));
  }
  rest += 0xfffu + ((rest >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rest - 0x38000000u) >> 13));
}

[[nodiscard]] constexpr uint16_t narrow_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fffu;  // NaN, as cvt.rn.bf16 gives
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

[[nodiscard]] inline float widen(f16 value) { return widen_f16(value.bits); }
[[nodiscard]] inline float widen(bf16 value) { return widen_bf16(value.bits); }

/// The nearest T to a number: T is float, f16 or bf16.
template <typename T>
[[nodiscard]] constexpr T narrow(float value);
template <>
constexpr float narrow<float>(float value) {
  return value;
}
template <>
constexpr f16 narrow<f16>(float value) {
  return {narrow_f16(value)};
}
template <>
constexpr bf16 narrow<bf16>(float value) {
  return {narrow_bf16(value)};
}

}  // namespace kintsugi
