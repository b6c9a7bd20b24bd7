// SPDX-License-Identifier: MIT
//
// The two views of a filled picture: the whole of it, scaled to the side the network was trained on,
// and a patch at the picture's own scale around the middle of the holes' bounding box, moved inside
// the picture. A picture smaller than the patch is continued with its border pixels.
#include <algorithm>
#include <cmath>

#include "runtime/image/mask.h"
#include "runtime/image/pixel.h"
#include "runtime/image/resize.h"
#include "runtime/networks/glcic_discriminator/glcic_discriminator.h"

namespace kintsugi::networks::glcic_discriminator {
namespace {

/// A pixel of either view, as the port takes it.
void write_pixel(const Config& config, const std::array<float, 3>& rgb, float* out) {
  for (size_t c = 0; c < 3; ++c) {
    out[c] = config.bgr ? 2 * rgb[2 - c] - 1 : rgb[c];
  }
}

/// Where a patch of `size` around the middle of [first, last) begins, inside [0, extent).
int64_t patch_origin(int64_t first, int64_t last, int64_t size, int64_t extent) {
  const int64_t middle = (first + last) / 2;
  return std::clamp<int64_t>(middle - size / 2, 0, std::max<int64_t>(extent - size, 0));
}

WriteRow local_view(const Config& config, const ImageView& picture, const image::Mask& mask) {
  const int64_t size = config.local_size;
  const image::Box box =
      mask.count() > 0 ? mask.bounding_box() : image::Box{0, 0, picture.height, picture.width};
  const int64_t y0 = patch_origin(box.y0, box.y1, size, picture.height);
  const int64_t x0 = patch_origin(box.x0, box.x1, size, picture.width);
  return [=, &config](int64_t, int64_t row, std::span<float> values) {
    const int64_t y = std::min(y0 + row, picture.height - 1);
    for (int64_t column = 0; column < size; ++column) {
      const int64_t x = std::min(x0 + column, picture.width - 1);
      write_pixel(config, image::rgb_at(picture, y, x), &values[static_cast<size_t>(3 * column)]);
    }
  };
}

WriteRow global_view(const Config& config, const image::FloatImage& scaled) {
  const int64_t size = config.global_size;
  return [&, size](int64_t, int64_t row, std::span<float> values) {
    for (int64_t x = 0; x < size; ++x) {
      const float* p = &scaled.values[static_cast<size_t>((row * size + x) * scaled.channels)];
      const bool grey = image::is_grey(scaled.channels);
      write_pixel(config, {p[0], p[grey ? 0 : 1], p[grey ? 0 : 2]},
                  &values[static_cast<size_t>(3 * x)]);
    }
  };
}

}  // namespace

double judge(const Config& config, const TaskInput& input, Runner& runner) {
  const image::Mask mask = image::make_mask(input.mask, {.invert = input.invert_mask});
  const image::FloatImage scaled =
      image::resize(input.image, {config.global_size, config.global_size});
  double score = 0;
  const ReadRow read = [&](int64_t, int64_t, std::span<const float> row) {
    score = static_cast<double>(row[0]);
  };
  runner.replay(
      kGraph, {},
      {{"local", local_view(config, input.image, mask)}, {"global", global_view(config, scaled)}},
      {{"score", read}});
  return config.sigmoid ? score : 1 / (1 + std::exp(-score));
}

}  // namespace kintsugi::networks::glcic_discriminator
