// SPDX-License-Identifier: MIT
//
// Poisson blending: P. Perez, M. Gangnet and A. Blake, "Poisson image editing", SIGGRAPH 2003. A
// patch keeps its gradients and takes its level from what surrounds it.
// Two domains: fill_poisson solves inside the holes and nowhere else; seamless_clone is OpenCV's,
// over the rectangle around the hole, known pixels included.
// Results belong to the caller; everything else is only read. Alpha is that of the first picture.
// Called by blend.
#pragma once

#include <cstdint>
#include <optional>

#include "kintsugi/image.hpp"
#include "runtime/image/mask.h"

namespace kintsugi::image {

/// The picture with its holes filled by the gradients of `made`, of the same extent, channels and
/// bits, whose known pixels beside a hole count too. Known pixels are copied bit for bit, and a hole
/// meets them without a step. Values are clamped and rounded. Where nothing is known, `made` itself
/// is taken.
[[nodiscard]] Image fill_poisson(const ImageView& picture, const Mask& mask, const ImageView& made);

/// Throws Error::mismatch unless both have the same channels and bits.
void require_same_kind(const ImageView& a, const ImageView& b);

struct Point {
  int64_t x = 0;
  int64_t y = 0;
};

/// `target` with the masked part of `source` cloned into it so that its middle comes to `centre`,
/// or stays where it is: OpenCV 4.6's seamlessClone, NORMAL_CLONE, all of its habits included.
/// Pictures have one extent and the same channels and bits. Holes of the outermost rows and columns are
/// ignored. Within the rectangle around the holes every pixel but the border changes, known ones by
/// what the solution spreads and by -1 where truncation makes 99 of 99.9999.
/// A rectangle that would leave the picture is Error::usage.
[[nodiscard]] Image seamless_clone(const ImageView& source, const ImageView& target,
                                   const Mask& mask, std::optional<Point> centre = {});

}  // namespace kintsugi::image
