// SPDX-License-Identifier: MIT
//
// The few things of EXIF that must be true of a picture that is turned, mended and written again:
// its orientation, its extent, and no thumbnail of what it was before.
// It is not an EXIF library: everything else is carried as it stands.
// It owns nothing; the parser stays within its span whatever the data claims.
// Called by the codec and by metadata.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kintsugi::image {

/// 1 to 8 as EXIF has it; 1, upright, when the data says nothing or nothing sensible.
[[nodiscard]] int orientation_of(std::span<const std::byte> exif);

/// Makes the orientation 1 and the extent this one, where EXIF states them, cuts the directories of
/// thumbnails off and blanks the thumbnails. No other byte changes, and none moves. False where the
/// data is too damaged, or contradicts itself too much, for this to be sure: not to be carried then.
[[nodiscard]] bool renew_exif(std::span<std::byte> exif, int64_t width, int64_t height);

/// Whether it says nothing beside an orientation.
[[nodiscard]] bool says_orientation_alone(std::span<const std::byte> exif);

}  // namespace kintsugi::image
