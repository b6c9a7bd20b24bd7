// SPDX-License-Identifier: MIT
//
// How an image is cut: into tiles that cover it, or around its holes. Boxes of integers; no pixel is
// touched. A network is given what a cut reads, and the part that it takes of the result is what the whole
// image would have given, if the margins between both cover the network's field.
// Called by the tasks of networks (runtime/program/cuts).
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/image/mask.h"
#include "runtime/image/resize.h"

namespace kintsugi::image {

/// `take` is inside `read` and inside the image. `read` may exceed the image at its lower and right end.
struct Cut {
  Box read, take;
  friend bool operator==(const Cut&, const Cut&) = default;
};

/// Pixels that a cut reads around those it takes, where the image does not end there.
struct Margins {
  int64_t above = 0, left = 0, below = 0, right = 0;
};

/// Tiles of one extent, whose takes are disjoint and cover the image, row by row. Their origins are multiples
/// of `stride`. Tile and stride: the tile's extent is a multiple of `stride`, at most the image's rounded
/// up to one. Throws Error::usage, naming the smallest that would do, where margins leave nothing to take.
[[nodiscard]] std::vector<Cut> tile_cuts(const Extent2d& image, const Extent2d& tile,
                                         const Margins& margins, int64_t stride);

/// Cuts around holes: each hole is in one take. Holes whose cuts together read less than each alone share
/// one. Origins and extents are multiples of `stride`. One cut, the whole image rounded up, where cuts would
/// read no less than that; none where there is no hole.
[[nodiscard]] std::vector<Cut> hole_cuts(const Mask& mask, const Margins& margins, int64_t stride);

}  // namespace kintsugi::image
