// SPDX-License-Identifier: MIT
//
// What needs no network and no weights: filling a hole from its edge. Good for scratches and small
// stains, and the yardstick for everything that calls itself better.
#pragma once

#include <cstdint>

#include "kintsugi/api.hpp"
#include "kintsugi/image.hpp"

namespace kintsugi {

/// Fills the holes of a picture by Telea's fast marching method, as OpenCV 4.6 does: each pixel from
/// those no further away than `radius`, 1 to 100. `mask` is read as the tasks read it (white = hole;
/// hole_of inverts one). The result has the picture's size, channels and bits; known pixels and
/// alpha are copied bit for bit. A mask that leaves nothing known is Error::mismatch.
[[nodiscard]] KINTSUGI_API Image inpaint_telea(const ImageView& picture, const ImageView& mask,
                                               int64_t radius = 3);

}  // namespace kintsugi
