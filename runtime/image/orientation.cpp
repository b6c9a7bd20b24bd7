// SPDX-License-Identifier: MIT
#include "runtime/image/orientation.h"

#include <algorithm>
#include <utility>

#include "runtime/image/pixel.h"

namespace kintsugi::image {

Image turn_upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool exchanged = orientation >= 5;
  Image upright{.width = exchanged ? image.height : image.width,
                .height = exchanged ? image.width : image.height,
                .channels = image.channels,
                .pixels = std::vector<uint8_t>(image.pixels.size()),
                .bits = image.bits,
                .metadata = std::move(image.metadata)};
  const int64_t size = pixel_bytes(upright);
  const int64_t last_y = image.height - 1;
  const int64_t last_x = image.width - 1;
  for (int64_t y = 0; y < upright.height; ++y) {
    for (int64_t x = 0; x < upright.width; ++x) {
      std::pair<int64_t, int64_t> from;  // y, x in the file
      switch (orientation) {
        case 2: from = {y, last_x - x}; break;
        case 3: from = {last_y - y, last_x - x}; break;
        case 4: from = {last_y - y, x}; break;
        case 5: from = {x, y}; break;
        case 6: from = {last_y - x, y}; break;
        case 7: from = {last_y - x, last_x - y}; break;
        default: from = {x, last_x - y}; break;
      }
      std::copy_n(image.pixels.begin() + (from.first * image.width + from.second) * size, size,
                  upright.pixels.begin() + (y * upright.width + x) * size);
    }
  }
  return upright;
}

}  // namespace kintsugi::image
