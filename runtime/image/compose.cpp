// SPDX-License-Identifier: MIT
#include "runtime/image/compose.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "kernels/core/error.h"
#include "runtime/image/codec.h"
#include "runtime/image/pixel.h"

namespace kintsugi::image {
namespace {

std::string extent_of(int64_t width, int64_t height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

/// Puts a colour, RGB in [0, 1], into a pixel; alpha stays.
void fill_pixel(Image& picture, int64_t y, int64_t x, std::array<float, 3> rgb) {
  const int64_t first = (y * picture.width + x) * picture.channels;
  if (is_grey(picture.channels)) {
    for (float& value : rgb) value = std::clamp(value, 0.0F, 1.0F);
    put_sample(picture, first, to_sample(luma(rgb), picture.bits));
    return;
  }
  for (int64_t c = 0; c < 3; ++c) {
    put_sample(picture, first + c, to_sample(rgb[static_cast<size_t>(c)], picture.bits));
  }
}

/// The picture with `fill(y, x)`, RGB in [0, 1], in its holes.
template <class Fill>
Image composite_with(const ImageView& picture, const Mask& mask, const Fill& fill) {
  Image result = copy_of(picture);
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < picture.width; ++x) {
      if (mask.at(y, x)) fill_pixel(result, y, x, fill(y, x));
    }
  }
  return result;
}

}  // namespace

Image composite(const ImageView& picture, const Mask& mask, TensorView<const float> generated) {
  require_same_extent(picture, mask);
  const Shape& shape = generated.shape;
  if (shape.rank() != 4 || shape.n() != 1 || shape.c() != 3 || shape.h() < picture.height ||
      shape.w() < picture.width) {
    throw Error(ErrorCode::mismatch, "a picture of " + extent_of(picture.width, picture.height) +
                                         " pixels cannot take its holes from a tensor " +
                                         shape.to_string());
  }
  return composite_with(picture, mask, [&generated](int64_t y, int64_t x) {
    const float* value = generated.pixel(0, y, x);
    if (!std::isfinite(value[0]) || !std::isfinite(value[1]) || !std::isfinite(value[2])) {
      throw Error(ErrorCode::not_finite, "the network's output is not a number at pixel x = " +
                                             std::to_string(x) + ", y = " + std::to_string(y));
    }
    return std::array<float, 3>{value[0], value[1], value[2]};
  });
}

Image composite(const ImageView& picture, const Mask& mask, const ImageView& generated) {
  require_same_extent(picture, mask);
  require_same_extent(generated, mask);
  return composite_with(picture, mask,
                        [&generated](int64_t y, int64_t x) { return rgb_at(generated, y, x); });
}

}  // namespace kintsugi::image
