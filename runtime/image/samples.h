// SPDX-License-Identifier: MIT
//
// Samples between an image and a plan's values of samples: in without alpha and of the size the network
// runs on, out into the pixels that a mask selects.
// It owns nothing.
// Called by the session, for the tasks of networks.
#pragma once

#include "kernels/core/call.h"
#include "kernels/simd/parallel.h"
#include "kintsugi/image.hpp"
#include "runtime/image/mask.h"

namespace kintsugi::image {

/// `to` is [1, 1 or 3, H, W] of the image's bits and colours, at least as large: the last row and column
/// are repeated. All three throw Error::internal where image and value do not fit.
void write_samples(const AnyView& to, const ImageView& from, Parallel& parallel);
/// The same of a mask, [1, 1, H, W] of 8 bits.
void write_samples(const AnyView& to, const Mask& from, Parallel& parallel);

/// From [1, 1 or 3, H, W] into the pixels that `selected` selects, or into all; alpha stays.
void read_samples(const AnyView& from, Image& to, const Mask* selected, Parallel& parallel);

}  // namespace kintsugi::image
