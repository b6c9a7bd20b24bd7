// SPDX-License-Identifier: MIT
//
// Orientation turns pictures upright.
// It does not read EXIF, and knows no other angles.
// It owns nothing.
// Called by the codec.
#pragma once

#include "kintsugi/image.hpp"

namespace kintsugi::image {

/// The picture as it is meant to be seen by its EXIF orientation; 5 to 8 exchange width and height.
[[nodiscard]] Image turn_upright(Image image, int orientation);

}  // namespace kintsugi::image
