// SPDX-License-Identifier: MIT
//
// DType names how one element is stored, in memory and in files. Arithmetic is always f32 or wider;
// f16 and bf16 are storage only and are widened here, bit by bit, without hardware support.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

namespace kintsugi {

enum class DType : uint8_t { f64, f32, f16, bf16, i64, i32, u16, u8 };

[[nodiscard]] constexpr int64_t size_bytes(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::i64: return 8;
    case DType::f32:
    case DType::i32: return 4;
    case DType::f16:
    case DType::bf16:
    case DType::u16: return 2;
    case DType::u8: return 1;
  }
  return 0;
}

/// Whether values of this type are samples of an image.
[[nodiscard]] constexpr bool is_samples(DType dtype) {
  return dtype == DType::u8 || dtype == DType::u16;
}

/// Elements in 16 bytes, and at least four. A pixel's channels, and the channel vectors beside
/// activations of this type, are padded to a multiple of it. Samples are not padded: 1.
[[nodiscard]] constexpr int64_t granule(DType dtype) {
  return is_samples(dtype) ? 1 : size_bytes(dtype) == 2 ? 8 : 4;
}

/// The type of exact values beside activations of this type: no narrower than f32.
[[nodiscard]] constexpr DType exact_type(DType dtype) {
  return dtype == DType::f64 ? DType::f64 : DType::f32;
}

[[nodiscard]] constexpr const char* to_string(DType dtype) {
  switch (dtype) {
    case DType::f64: return "f64";
    case DType::f32: return "f32";
    case DType::f16: return "f16";
    case DType::bf16: return "bf16";
    case DType::i64: return "i64";
    case DType::i32: return "i32";
    case DType::u16: return "u16";
    case DType::u8: return "u8";
  }
  return "?";
}

[[nodiscard]] inline float widen_bf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

[[nodiscard]] inline float widen_f16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1fu;
  const uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13));
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24 is exact in f32
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
}

}  // namespace kintsugi
