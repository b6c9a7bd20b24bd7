// SPDX-License-Identifier: MIT
//
// The "bilinear" resampler of torch/image, which GLCIC's official code uses: linear with aligned
// corners where an axis grows, box average with fractional end weights where it shrinks, a copy
// where it keeps its length; rows first, then columns.
// It is not a family of filters: networks with another resampler bring it as an op.
// The result belongs to the caller; beside it two resampled rows exist at a time.
// Called by mask and by the tasks of networks.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/core/view.h"
#include "kintsugi/image.hpp"

namespace kintsugi::image {

struct Extent2d {
  int64_t height = 0;
  int64_t width = 0;
  friend bool operator==(const Extent2d&, const Extent2d&) = default;
};

/// A picture of floats, channels interleaved, rows without gaps.
struct FloatImage {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;
  std::vector<float> values;  ///< height * width * channels
};

/// [1, C, H, W] with a pitch of C: no pad channels, so for readers that load exactly C.
[[nodiscard]] TensorView<const float> view_of(const FloatImage& image);

/// The extent scaled so that its longer side is `max_side`, the other rounded to nearest and at
/// least 1; the extent itself when it is not longer or max_side is 0.
[[nodiscard]] Extent2d limited_extent(Extent2d extent, int64_t max_side);

/// Fills one row of the source, source.width * channels floats; asked for in ascending order.
using RowReader = std::function<void(int64_t y, float* row)>;
[[nodiscard]] FloatImage resize(Extent2d source, int64_t channels, const RowReader& read_row,
                                Extent2d target);

/// Of samples: values in [0, 1], all channels (alpha is resampled like any other).
[[nodiscard]] FloatImage resize(const ImageView& source, Extent2d target);
[[nodiscard]] FloatImage resize(const FloatImage& source, Extent2d target);
/// The same, brought back to samples of as many bits: clamped, times white, truncated.
[[nodiscard]] Image resize_picture(const ImageView& source, Extent2d target);

}  // namespace kintsugi::image
