// SPDX-License-Identifier: MIT
//
// Mask says for every pixel of a picture whether it is a hole: one byte, 0 or 1.
// It is not soft: the picture of a mask is made grey, scaled and then cut at 0.2.
// It owns its bytes.
// Called by the tasks of networks, by compose and by metrics.
#pragma once

#include <cstdint>
#include <vector>

#include "kintsugi/image.hpp"
#include "runtime/image/resize.h"

namespace kintsugi::image {

/// A mask value of at least this much is a hole, after scaling.
constexpr float kHoleThreshold = 0.2F;

/// The pixels from y0 up to, not including, y1; the same for x.
struct Box {
  int64_t y0 = 0, x0 = 0, y1 = 0, x1 = 0;
  [[nodiscard]] bool empty() const { return y0 == y1; }
  friend bool operator==(const Box&, const Box&) = default;
};

struct Mask {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> holes;  ///< height * width; 1 = hole

  [[nodiscard]] bool at(int64_t y, int64_t x) const {
    return holes[static_cast<size_t>(y * width + x)] != 0;
  }
  [[nodiscard]] int64_t count() const;
  /// Holes over all pixels, in [0, 1].
  [[nodiscard]] double fraction() const;
  /// The smallest box around all holes; empty() when there is none.
  [[nodiscard]] Box bounding_box() const;
};

/// Whether a hole is inside `box`, which is inside the mask.
[[nodiscard]] bool any(const Mask& mask, const Box& box);

struct MaskOptions {
  bool invert = false;  ///< black = hole; inverted before scaling
  Extent2d target;      ///< scale to this extent first; 0 = the picture's own
};

/// Throws Error::mismatch unless both are as wide and as high.
void require_same_extent(const ImageView& picture, const Mask& mask);

/// White = hole. Alpha is dropped, RGB becomes luma, then scaling, then the threshold.
[[nodiscard]] Mask make_mask(const ImageView& picture, const MaskOptions& options = {});

}  // namespace kintsugi::image
