// SPDX-License-Identifier: MIT
#include "runtime/image/side_by_side.h"

#include <algorithm>

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
  int64_t bits = 8;
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
    bits = std::max(bits, picture.bits);
    width += picture.width;
  }
  const int64_t height = pictures.front().height;
  const int64_t channels = (grey ? 1 : 3) + (alpha ? 1 : 0);
  Image result = black(width, height, channels, bits);
  std::fill(result.pixels.begin(), result.pixels.end(), uint8_t{255});  // white, opaque
  int64_t left = 0;
  for (const ImageView& picture : pictures) {
    const int32_t scale = picture.bits == bits ? 1 : kWidened;
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < picture.width; ++x) {
        const int64_t first = (y * width + left + x) * channels;
        const Samples rgb = samples_at(picture, y, x);
        for (int64_t c = 0; c < colours(channels); ++c) {
          put_sample(result, first + c, rgb[static_cast<size_t>(c)] * scale);
        }
        if (has_alpha(picture.channels)) {
          put_sample(result, first + channels - 1,
                     sample_at(picture, y, x, picture.channels - 1) * scale);
        }
      }
    }
    left += picture.width + gap;
  }
  return result;
}

}  // namespace kintsugi::image
