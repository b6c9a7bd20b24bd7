// SPDX-License-Identifier: MIT
//
// How good is a mended picture? These functions measure it inside the hole and outside, by the same
// reading of a mask that the tasks use. They are not perceptual, and nothing needs them to mend.
#pragma once

#include <cstdint>
#include <span>

#include "kintsugi/api.hpp"
#include "kintsugi/image.hpp"

namespace kintsugi {

/// A mask as the tasks see it: one channel of 8 bits, 255 in the hole and 0 where the picture is known.
/// White = hole; `invert` = black is. Grey counts as a hole from a fifth of white upward.
[[nodiscard]] KINTSUGI_API Image hole_of(const ImageView& mask, bool invert = false);

/// Pixels of a hole, as made by hole_of.
[[nodiscard]] KINTSUGI_API int64_t count_hole(const ImageView& hole);

/// 10 log10(white^2 / mean squared error) over the RGB samples inside the hole, in dB; white is 255,
/// or 65535 where one of the pictures has 16 bits: 8 are then taken 257 times. Alpha is not looked
/// at, grey counts as RGB. Infinite where they are equal, NaN where the hole is empty.
[[nodiscard]] KINTSUGI_API double psnr_inside(const ImageView& a, const ImageView& b,
                                              const ImageView& hole);

/// Pixels outside the hole that differ in any channel, alpha included. Both have the same channels
/// and bits.
[[nodiscard]] KINTSUGI_API int64_t differing_outside(const ImageView& a, const ImageView& b,
                                                     const ImageView& hole);

/// Pictures of one height next to each other, a thin white gap between them. Grey if all are, RGB
/// otherwise; with alpha if one has it, the others opaque; with the most bits that one has.
[[nodiscard]] KINTSUGI_API Image side_by_side(std::span<const ImageView> pictures);

}  // namespace kintsugi
