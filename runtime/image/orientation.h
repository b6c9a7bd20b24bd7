// SPDX-License-Identifier: MIT
//
// Orientation finds the EXIF orientation of a JPEG (APP1) or PNG (eXIf) and turns pictures upright.
// It is not an EXIF library: one tag of the first directory, everything else is skipped.
// It owns nothing; the parser reads within its span whatever the file claims.
// Called by the codec.
#pragma once

#include <cstddef>
#include <span>

#include "kintsugi/image.hpp"

namespace kintsugi::image {

/// 1 to 8 as EXIF has it; 1, upright, when the file says nothing or nothing sensible.
[[nodiscard]] int orientation_of(std::span<const std::byte> file);

/// The picture as it is meant to be seen; 5 to 8 exchange width and height.
[[nodiscard]] Image turn_upright(Image image, int orientation);

}  // namespace kintsugi::image
