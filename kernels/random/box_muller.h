// SPDX-License-Identifier: MIT
//
// Words to numbers, and Box-Muller in f32: two words to two normal numbers. One text for the CPU and for
// CUDA. Polynomials are those of Cephes' logf, sinf and cosf; each is within two units of the last place,
// also where u is close to one. What reference.cpp computes in double is the definition.
//
//   u = (first / 2^8 + 1) / 2^24   in (0, 1]     r = sqrt(-2 ln u)
//   v = (second / 2^8) / 2^24      in [0, 1)     r * cos(2 pi v), r * sin(2 pi v)
//
// Both u and v are exact in f32. The largest normal number is 5.77.
#pragma once

#include <bit>
#include <cstdint>

namespace kintsugi::random {

/// In [0, 1), exact: a multiple of 2^-24.
[[nodiscard]] constexpr float uniform(uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}
/// In (0, 1], exact likewise.
[[nodiscard]] constexpr float positive_uniform(uint32_t word) {
  return static_cast<float>((word >> 8) + 1) * 0x1p-24f;
}

/// -2 ln u of a u in (0, 1].
[[nodiscard]] constexpr float minus_two_log(float u) {
  // u = 2^k * (1 + f), 1 + f between sqrt(1/2) and sqrt(2): no cancellation close to one.
  constexpr uint32_t kRootOfHalf = 0x3f3504f3;
  const uint32_t bits = std::bit_cast<uint32_t>(u) - kRootOfHalf;
  const auto k = static_cast<float>(static_cast<int32_t>(bits) >> 23);
  const float f = std::bit_cast<float>((bits & 0x007fffff) + kRootOfHalf) - 1.0f;
  const float z = f * f;
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  // ln 2 in two parts, of which k times the first is exact.
  const float small = f * z * p - 2.12194440e-4f * k - 0.5f * z;
  return -2.0f * ((small + f) + 0.693359375f * k);
}

struct Angle {
  float cosine, sine;
};

/// Of 2 pi times the word's v.
[[nodiscard]] constexpr Angle angle(uint32_t word) {
  // v is a quarter q and a rest of at most an eighth of a turn, without rounding.
  const uint32_t v = word >> 8;
  const uint32_t quarter = (v + (1u << 21)) >> 22;
  const auto rest = static_cast<float>(static_cast<int32_t>(v - (quarter << 22)));
  const float x = rest * (0x1p-22f * 1.57079632679f);
  const float z = x * x;
  const float sine =
      ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * x + x;
  const float cosine =
      ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z -
      0.5f * z + 1.0f;
  const bool swaps = (quarter & 1) != 0;
  const float c = swaps ? sine : cosine, s = swaps ? cosine : sine;
  return {((quarter + 1) & 2) != 0 ? -c : c, (quarter & 2) != 0 ? -s : s};
}

}  // namespace kintsugi::random
