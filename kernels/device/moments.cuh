// SPDX-License-Identifier: MIT
//
// Moments on the device: what records of kernels/core/moments.h say of one channel, and how two become
// one. The same text for both halves.
#pragma once

#include "kernels/device/numeric.cuh"

namespace kintsugi::device {

/// What is known of some values: how many, their mean, and the squared differences from it, summed.
struct Moments {
  float count = 0;
  float mean = 0;
  float squares = 0;
};

/// Of both together (Chan, Golub, LeVeque 1979). Moments of no value change nothing, on either side.
[[nodiscard]] KIN_DEVICE Moments join(const Moments& a, const Moments& b) {
  const float count = a.count + b.count;
  const float part = b.count > 0 ? b.count / count : 0.0f;
  const float apart = b.mean - a.mean;
  return {count, fma(apart, part, a.mean),
          fma(apart * apart, a.count * part, a.squares + b.squares)};
}

}  // namespace kintsugi::device
