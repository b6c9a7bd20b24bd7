// SPDX-License-Identifier: MIT
//
// The public door of mask, metrics and side_by_side.
#include "kintsugi/compare.hpp"

#include <utility>

#include "runtime/image/mask.h"
#include "runtime/image/metrics.h"
#include "runtime/image/side_by_side.h"

namespace kintsugi {

Image hole_of(const ImageView& mask, bool invert) {
  image::Mask holes = image::make_mask(mask, {.invert = invert, .target = {}});
  for (uint8_t& pixel : holes.holes) pixel = pixel != 0 ? 255 : 0;
  return {.width = holes.width,
          .height = holes.height,
          .channels = 1,
          .pixels = std::move(holes.holes)};
}

int64_t count_hole(const ImageView& hole) { return image::make_mask(hole).count(); }

double psnr_inside(const ImageView& a, const ImageView& b, const ImageView& hole) {
  return image::psnr_inside(a, b, image::make_mask(hole));
}

int64_t differing_outside(const ImageView& a, const ImageView& b, const ImageView& hole) {
  return image::differing_outside(a, b, image::make_mask(hole));
}

Image side_by_side(std::span<const ImageView> pictures) { return image::side_by_side(pictures); }

}  // namespace kintsugi
