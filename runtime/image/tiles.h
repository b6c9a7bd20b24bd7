// SPDX-License-Identifier: MIT
//
// Tiles: how an image is cut into parts that a network runs on one by one. Integers alone: nothing here
// touches a pixel. A cut is a box that the network reads and a box of the result that counts; the
// margins between them are as wide as the network sees (runtime/graph/field.h), so that the parts are
// those of the whole result.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/image/mask.h"

namespace kintsugi::image {

/// Pixels that the network needs beyond what it makes.
struct Margins {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  friend bool operator==(const Margins&, const Margins&) = default;
};

/// What a network asks of a cut.
struct Grid {
  Pair stride = 1;    ///< origins are multiples of it
  Pair multiple = 1;  ///< extents are
  friend bool operator==(const Grid&, const Grid&) = default;
};

struct Cut {
  Box read;  ///< of the image; may exceed it at the lower and right end, up to the multiple
  Box take;  ///< of the image, inside `read`: the result of these pixels counts
  friend bool operator==(const Cut&, const Cut&) = default;
};

/// Tiles over an image, row by row: every `read` has the same extent, at most `tile`; takes are disjoint and
/// cover the image; inside the image at least `margins` pixels lie between the edges of take and read.
/// Neighbours overlap evenly. An axis that the tile covers is not cut. Throws Error::usage where the tile
/// is too small.
[[nodiscard]] std::vector<Cut> tile_cuts(Extent2d image, Extent2d tile, const Margins& margins,
                                         const Grid& grid);

/// Cuts around the holes of a mask, from top to bottom: every hole pixel is in exactly one take. A take is
/// the box around a group of holes; holes share a cut where that reads fewer pixels than two cuts. One cut
/// of the whole image where the cuts would read no less; none without a hole.
[[nodiscard]] std::vector<Cut> hole_cuts(const Mask& mask, const Margins& margins,
                                         const Grid& grid);

/// Weights of a tile's pixels along an axis, for networks whose tiles never agree: 1 in the middle, falling
/// linearly to the outside over an overlap. Where two tiles overlap by as much, both weights sum to 1.
/// Throws Error::usage where the overlaps are longer than the tile.
[[nodiscard]] std::vector<float> fade(int64_t extent, int64_t overlap_before,
                                      int64_t overlap_after);

}  // namespace kintsugi::image
