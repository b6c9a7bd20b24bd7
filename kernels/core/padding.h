// SPDX-License-Identifier: MIT
//
// PaddingMode says what stands beyond a picture's border.
#pragma once

#include <cstdint>

namespace kintsugi {

enum class PaddingMode : uint8_t {
  zero,
  reflect,  // the picture mirrored, its border pixel not repeated
};

/// The coordinate in [0, extent) behind `i`, or -1 for a zero. Reflection reaches extent - 1 beyond
/// either border.
[[nodiscard]] constexpr int64_t source_coordinate(int64_t i, int64_t extent, PaddingMode mode) {
  if (i >= 0 && i < extent) return i;
  if (mode == PaddingMode::zero) return -1;
  return i < 0 ? -i : 2 * (extent - 1) - i;
}

}  // namespace kintsugi
