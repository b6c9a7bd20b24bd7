// SPDX-License-Identifier: MIT
//
// Side by side puts pictures of one height next to each other, a thin white gap between them.
// It is not a layout engine: no text, no scaling.
// The result belongs to the caller.
// Called by the program, for the demonstration.
#pragma once

#include <cstdint>
#include <span>

#include "kintsugi/image.hpp"

namespace kintsugi::image {

/// Grey if all are, RGB otherwise; with alpha if one has it, the others opaque; with the most bits
/// that one has.
[[nodiscard]] Image side_by_side(std::span<const ImageView> pictures, int64_t gap = 8);

}  // namespace kintsugi::image
