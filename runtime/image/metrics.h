// SPDX-License-Identifier: MIT
//
// Metrics compare two pictures of one size, inside a mask and outside.
// They are not perceptual: decibels over RGB samples, and counting.
// They own nothing.
// Called by the program and the tests.
#pragma once

#include <cstdint>

#include "kintsugi/image.hpp"
#include "runtime/image/mask.h"

namespace kintsugi::image {

/// 10 log10(white^2 / mean squared error) over the RGB samples of the masked pixels, in dB; white is
/// 255, or 65535 where one of the pictures has 16 bits: 8 are then taken 257 times. Alpha is not
/// looked at, grey counts as RGB. Infinite where they are equal, NaN where the mask is empty.
[[nodiscard]] double psnr_inside(const ImageView& a, const ImageView& b, const Mask& mask);

/// Pixels outside the mask that differ in any channel, alpha included. Both have the same channels
/// and bits.
[[nodiscard]] int64_t differing_outside(const ImageView& a, const ImageView& b, const Mask& mask);

}  // namespace kintsugi::image
