// SPDX-License-Identifier: MIT
//
// Orientation reads the EXIF orientation, turns pictures upright and says so in their EXIF.
// It is not an EXIF library: one tag of the first directory, everything else is skipped.
// It owns nothing; the parser reads within its span whatever the data claims.
// Called by the codec.
#pragma once

#include <cstddef>
#include <span>

#include "kintsugi/image.hpp"

namespace kintsugi::image {

/// 1 to 8 as EXIF has it; 1, upright, when the data says nothing or nothing sensible.
[[nodiscard]] int orientation_of(std::span<const std::byte> exif);

/// Makes the orientation 1 where there is one; no other byte changes.
void say_upright(std::span<std::byte> exif);

/// The picture as it is meant to be seen; 5 to 8 exchange width and height.
[[nodiscard]] Image turn_upright(Image image, int orientation);

}  // namespace kintsugi::image
