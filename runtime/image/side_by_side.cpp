// SPDX-License-Identifier: MIT
#include "runtime/image/side_by_side.h"

#include <algorithm>
#include <array>

#include "kernels/core/error.h"
#include "runtime/image/codec.h"
#include "runtime/image/pixel.h"

namespace kintsugi::image {

Image side_by_side(std::span<const ImageView> pictures, int64_t gap) {
  if (pictures.empty() || gap < 0) {
    throw Error(ErrorCode::usage, "side by side needs at least one picture and no negative gap");
  }
  bool grey = true;
  bool alpha = false;
  int64_t width = gap * (static_cast<int64_t>(pictures.size()) - 1);
  for (const ImageView& picture : pictures) {
    require_picture(picture);
    if (picture.height != pictures.front().height) {
      throw Error(ErrorCode::mismatch, "pictures of " + std::to_string(pictures.front().height) +
                                           " and " + std::to_string(picture.height) +
                                           " rows cannot stand side by side");
    }
    grey = grey && is_grey(picture.channels);
    alpha = alpha || has_alpha(picture.channels);
    width += picture.width;
  }
  const int64_t height = pictures.front().height;
  const int64_t channels = (grey ? 1 : 3) + (alpha ? 1 : 0);
  Image result{width, height, channels, {}};
  result.pixels.assign(static_cast<size_t>(width * height * channels), 255);  // white, opaque
  int64_t left = 0;
  for (const ImageView& picture : pictures) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < picture.width; ++x) {
        uint8_t* pixel = result.pixels.data() + (y * width + left + x) * channels;
        const std::array<uint8_t, 3> rgb = rgb8_at(picture, y, x);
        std::copy_n(rgb.begin(), colours(channels), pixel);
        if (has_alpha(picture.channels)) {
          pixel[channels - 1] = pixel_at(picture, y, x)[picture.channels - 1];
        }
      }
    }
    left += picture.width + gap;
  }
  return result;
}

}  // namespace kintsugi::image
