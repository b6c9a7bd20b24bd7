// SPDX-License-Identifier: MIT
#include <algorithm>

#include "kernels/device/pixel_tiles.h"
#include "kernels/norm/cuda.h"
#include "kernels/norm/gather.h"

namespace kintsugi::norm {
namespace {

int64_t per_pack(int64_t element_bytes) { return 16 / element_bytes; }

device::PixelTiles tiles_of(const Shape& input, int64_t element_bytes) {
  return device::pixel_tiles(checked_multiply(input.h(), input.w()),
                             divide_up(input.c(), per_pack(element_bytes)));
}

}  // namespace

int64_t scratch(const Desc& desc, const Shape& input, int64_t element_bytes) {
  static_cast<void>(output_shape(desc, input));
  if (desc.moments_of > 0) return 0;
  const device::PixelTiles t = tiles_of(input, element_bytes);
  return checked_multiply(4,
                          moment_elements(input.n(), t.tiles, t.packs * per_pack(element_bytes)));
}

Traffic traffic(const Desc& desc, const Shape& input, int64_t element_bytes, int64_t moment_tiles) {
  const device::PixelTiles t = tiles_of(input, element_bytes);
  const int64_t stored = t.packs * per_pack(element_bytes);
  Traffic moved;
  int64_t tiles = moment_tiles;
  if (desc.moments_of == 0) {
    tiles = t.tiles;
    // Every row of a tile reads the first pixel as its pivot.
    const int64_t pixels = checked_add(t.pixels, checked_multiply(t.tiles, t.rows));
    moved.read = checked_product({input.n(), pixels, t.packs, 16});
    moved.written = moment_bytes(checked_multiply(input.n(), tiles), stored);
  }
  // Whoever reads a channel of a record reads its count too; of a record's pads nobody.
  moved.read = checked_add(moved.read, checked_product({input.n(), tiles, input.c(), 12}));
  // For its pivot every thread that gathers reads a first mean and its count.
  const Gather gather = gather_of(input.c(), desc.groups);
  const int64_t columns = desc.groups * std::min(gather.columns, gather.group_channels);
  const int64_t rows = std::min<int64_t>(gather.rows, tiles);
  moved.read = checked_add(moved.read, checked_product({input.n(), rows, columns, 8}));
  if (desc.affine)
    moved.read = checked_add(moved.read, checked_product({input.n(), 2, input.c(), 4}));
  moved.written = checked_add(moved.written, checked_product({input.n(), 2, stored, 4}));
  return moved;
}

}  // namespace kintsugi::norm
