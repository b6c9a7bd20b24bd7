// SPDX-License-Identifier: MIT
//
// Telea's fast marching method: A. Telea, "An image inpainting technique based on the fast marching
// method", Journal of Graphics Tools 9, 2004. A hole is filled from its edge inwards, each pixel by
// the known ones around it; no weights, no network.
// It is not texture synthesis: a wide hole becomes smooth. Where the paper leaves a choice, this is
// what OpenCV 4.6 chose (INPAINT_TELEA), to the byte; so beside the first row or column of a picture
// what stood in the hole before can have a say, as it has there.
// The result belongs to the caller; picture and mask are only read.
// Called by inpaint_telea and, for its target, by blend.
#pragma once

#include <cstdint>

#include "kintsugi/image.hpp"
#include "runtime/image/mask.h"

namespace kintsugi::image {

/// A pixel is filled from known pixels no further away than `radius`, 1 to 100. Known pixels and
/// alpha, holes included, are the picture's own. Where nothing is known, nothing is filled.
[[nodiscard]] Image fill_telea(const ImageView& picture, const Mask& mask, int64_t radius);

}  // namespace kintsugi::image
