// SPDX-License-Identifier: MIT
//
// Samples between an image and a plan's values of samples: in without alpha and of the size the network
// runs on, out into the pixels that a mask selects.
// It owns nothing.
// Called by the session, for the tasks of networks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/core/call.h"
#include "kernels/simd/parallel.h"
#include "kintsugi/image.hpp"
#include "runtime/image/mask.h"

namespace kintsugi::image {

/// `to` is [1, 1 or 3, H, W] of the image's bits and colours and receives the pixels from (y0, x0) on, which
/// is inside the image. Beyond the image its last row and column are repeated. All three throw
/// Error::internal where image and value do not fit.
void write_samples(const AnyView& to, const ImageView& from, int64_t y0, int64_t x0,
                   Parallel& parallel);
/// The same of a mask, [1, 1, H, W] of 8 bits.
void write_samples(const AnyView& to, const Mask& from, int64_t y0, int64_t x0, Parallel& parallel);

/// Which pixels of an image are taken from a value whose first pixel is the image's (y0, x0).
struct Part {
  int64_t y0 = 0, x0 = 0;
  Box take = {};                   // empty: as much as image and value share
  const Mask* selected = nullptr;  // of the image; null: all
  /// The first `fade_x` columns of `take` are blended with the pixels that are there. The weight of the old
  /// pixels falls linearly from 1.
  int64_t fade_x = 0;
};
/// From [1, 1 or 3, H, W] into the pixels of `part`; alpha stays.
void read_samples(const AnyView& from, Image& to, const Part& part, Parallel& parallel);

/// The bytes of `count` rows from `y0` on.
[[nodiscard]] std::vector<uint8_t> rows_of(const Image& image, int64_t y0, int64_t count);
/// Blends the rows from `y0` on with what stood there before, by rows_of, whose weight falls linearly from 1.
void fade_in(Image& image, int64_t y0, std::span<const uint8_t> before);

}  // namespace kintsugi::image
