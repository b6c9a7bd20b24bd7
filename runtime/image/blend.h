// SPDX-License-Identifier: MIT
//
// Blend is the last step of a task: a picture and what a network made of all of it become one.
// It is not a choice of method: InpaintOptions::blend names it, poisson and telea do it.
// The result belongs to the caller; everything else is only read.
// Called by the tasks of networks.
#pragma once

#include "kintsugi/kintsugi.hpp"
#include "runtime/image/mask.h"

namespace kintsugi::image {

/// `made` has the picture's extent, channels and bits, its known pixels being the network's too. Known
/// pixels and alpha of the result are the picture's, bit for bit, whatever the method. Where nothing
/// is known there is nothing to blend with.
[[nodiscard]] Image blend(const ImageView& picture, const Mask& mask, const ImageView& made,
                          Blend method);

}  // namespace kintsugi::image
