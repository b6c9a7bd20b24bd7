// SPDX-License-Identifier: MIT
#include "kernels/device/pixel_tiles.h"
#include "kernels/reduce/cuda.h"

namespace kintsugi::reduce {
namespace {

device::PixelTiles tiles_of(const Shape& input, int64_t element_bytes) {
  return device::pixel_tiles(checked_multiply(input.h(), input.w()),
                             divide_up(input.c(), 16 / element_bytes));
}

}  // namespace

int64_t scratch(const Desc& desc, const Shape& input, int64_t element_bytes) {
  static_cast<void>(output_shape(desc, input));
  const device::PixelTiles t = tiles_of(input, element_bytes);
  if (desc.over == Over::channels || t.tiles == 1) return 0;
  return checked_product({input.n(), t.tiles, t.packs, 16 / element_bytes, 4});
}

Traffic traffic(const Desc& desc, const Shape& input, int64_t element_bytes) {
  const device::PixelTiles t = tiles_of(input, element_bytes);
  const int64_t parts = scratch(desc, input, element_bytes);
  Traffic moved;
  moved.read = checked_product({input.n(), t.pixels, t.packs, 16});
  // Over channels a group for every pixel, else one pixel.
  moved.written =
      checked_product({input.n(), desc.over == Over::channels ? t.pixels : t.packs, 16});
  if (parts > 0) {
    moved.read = checked_add(moved.read, checked_product({input.n(), t.tiles, input.c(), 4}));
    moved.written = checked_add(moved.written, parts);
  }
  return moved;
}

}  // namespace kintsugi::reduce
