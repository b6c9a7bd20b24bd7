// SPDX-License-Identifier: MIT
//
// Compose puts what a network made into the holes of a picture.
// It is not blending: known pixels are copied bit for bit, a hole is replaced to its edge.
// The result belongs to the caller; picture, mask and generated values are only read.
// Called by the tasks of networks.
#pragma once

#include <cstdint>

#include "kernels/core/view.h"
#include "kintsugi/image.hpp"
#include "runtime/image/mask.h"

namespace kintsugi::image {

/// The picture with its holes filled. `generated` is RGB in [0, 1], NHWC, [1, 3, H, W] at least as
/// large as the picture; what lies beyond is padding and is not looked at. In a hole each value is
/// clamped, multiplied by white and truncated, as the official code saves it; a grey picture
/// takes the luma. Alpha is the picture's own everywhere, holes included: an opaque hole stays opaque, a
/// transparent one stays transparent. A NaN or infinity in a hole is Error::not_finite.
[[nodiscard]] Image composite(const ImageView& picture, const Mask& mask,
                              TensorView<const float> generated);
/// The same for a picture of this extent, of any channels and bits; its alpha is not looked at.
[[nodiscard]] Image composite(const ImageView& picture, const Mask& mask,
                              const ImageView& generated);

}  // namespace kintsugi::image
