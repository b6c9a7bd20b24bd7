// SPDX-License-Identifier: MIT
#include <algorithm>

#include "kernels/device/pixel_tiles.h"
#include "kernels/norm/cuda.h"

namespace kintsugi::norm {
namespace {

constexpr int64_t kGatherWarps = 8;
constexpr int64_t kLanes = 32;

int64_t per_pack(int64_t element_bytes) { return 16 / element_bytes; }

device::PixelTiles tiles_of(const Shape& input, int64_t element_bytes) {
  return device::pixel_tiles(checked_multiply(input.h(), input.w()),
                             divide_up(input.c(), per_pack(element_bytes)));
}

}  // namespace

int64_t scratch(const Desc& desc, const Shape& input, int64_t element_bytes) {
  static_cast<void>(output_shape(desc, input));
  const device::PixelTiles t = tiles_of(input, element_bytes);
  return checked_product({input.n(), t.tiles, 2, t.packs, per_pack(element_bytes), 4});
}

Traffic traffic(const Desc& desc, const Shape& input, int64_t element_bytes) {
  const device::PixelTiles t = tiles_of(input, element_bytes);
  const int64_t moments = scratch(desc, input, element_bytes);
  const int64_t stored = t.packs * per_pack(element_bytes);
  // Every row of a tile reads the first pixel as its pivot; of the moments the pads are left.
  const int64_t pixels = checked_add(t.pixels, checked_multiply(t.tiles, t.rows));
  int64_t read = checked_product({input.n(), pixels, t.packs, 16});
  read = checked_add(read, moments / stored * input.c());
  // The gathering warps read it of every channel, and once more a lane that of the group.
  const int64_t lanes = desc.groups * std::min<int64_t>(input.c() / desc.groups, kLanes);
  read = checked_add(read,
                     checked_product({input.n(), kGatherWarps, input.c() + lanes, element_bytes}));
  if (desc.affine) read = checked_add(read, checked_product({input.n(), 2, input.c(), 4}));
  return {.read = read,
          .written = checked_add(moments, checked_product({input.n(), 2, stored, 4}))};
}

}  // namespace kintsugi::norm
