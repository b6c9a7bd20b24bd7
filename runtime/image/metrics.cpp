// SPDX-License-Identifier: MIT
#include "runtime/image/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/core/error.h"
#include "runtime/image/codec.h"
#include "runtime/image/pixel.h"

namespace kintsugi::image {
namespace {

void require_same_extent(const ImageView& a, const ImageView& b, const Mask& mask) {
  require_picture(a);
  require_picture(b);
  if (a.width == b.width && a.height == b.height && a.width == mask.width &&
      a.height == mask.height) {
    return;
  }
  throw Error(ErrorCode::mismatch, "pictures and mask must have one size to be compared");
}

}  // namespace

double psnr_inside(const ImageView& a, const ImageView& b, const Mask& mask) {
  require_same_extent(a, b, mask);
  // Of two depths, the narrow one is widened.
  const int64_t bits = std::max(a.bits, b.bits);
  const int32_t a_scale = a.bits == bits ? 1 : kWidened;
  const int32_t b_scale = b.bits == bits ? 1 : kWidened;
  int64_t samples = 0;
  int64_t squares = 0;  // integers: exact, and the same in any order
  for (int64_t y = 0; y < mask.height; ++y) {
    for (int64_t x = 0; x < mask.width; ++x) {
      if (!mask.at(y, x)) continue;
      const Samples left = samples_at(a, y, x);
      const Samples right = samples_at(b, y, x);
      for (size_t c = 0; c < 3; ++c) {
        const int64_t difference = int64_t{left[c] * a_scale} - int64_t{right[c] * b_scale};
        squares += difference * difference;
      }
      samples += 3;
    }
  }
  if (samples == 0) return std::numeric_limits<double>::quiet_NaN();
  if (squares == 0) return std::numeric_limits<double>::infinity();
  const double mean = static_cast<double>(squares) / static_cast<double>(samples);
  const double white = white_of(bits);
  return 10 * std::log10(white * white / mean);
}

int64_t differing_outside(const ImageView& a, const ImageView& b, const Mask& mask) {
  require_same_extent(a, b, mask);
  if (a.channels != b.channels) {
    throw Error(ErrorCode::mismatch, "pictures of " + std::to_string(a.channels) + " and " +
                                         std::to_string(b.channels) +
                                         " channels cannot be equal bit for bit");
  }
  if (a.bits != b.bits) {
    throw Error(ErrorCode::mismatch, "pictures of " + std::to_string(a.bits) + " and " +
                                         std::to_string(b.bits) +
                                         " bits a channel cannot be equal bit for bit");
  }
  int64_t count = 0;
  for (int64_t y = 0; y < mask.height; ++y) {
    for (int64_t x = 0; x < mask.width; ++x) {
      const uint8_t* pixel = pixel_at(a, y, x);
      if (!mask.at(y, x) && !std::equal(pixel, pixel + pixel_bytes(a), pixel_at(b, y, x))) ++count;
    }
  }
  return count;
}

}  // namespace kintsugi::image
