// SPDX-License-Identifier: MIT
//
// What happens before and after the network. As the official code does it: the picture less the
// training mean, zeros in the hole, the mask as a fourth channel; afterwards the network's values
// in the hole, truncated to samples, and the picture's own samples everywhere else. Ports that take or
// give other numbers say so in their Config; holes are filled in the same way for all. Pictures
// that are no multiple of four are continued with their border pixels and cropped back, where the
// official code would scale them.
#include <algorithm>

#include "runtime/image/blend.h"
#include "runtime/image/compose.h"
#include "runtime/image/mask.h"
#include "runtime/image/pixel.h"
#include "runtime/image/resize.h"
#include "runtime/networks/glcic/glcic.h"

namespace kintsugi::networks::glcic {
namespace {

/// The colour of a pixel in [0, 1], and whether it is to be filled.
using Colour = std::function<std::array<float, 3>(int64_t y, int64_t x)>;

/// A pixel of the network's input: the colour as the port takes it, then the mask.
void write_pixel(const Config& config, bool hole, std::array<float, 3> rgb, float* out) {
  for (size_t c = 0; c < 3; ++c) {
    const size_t channel = config.colours == Colours::bgr ? 2 - c : c;
    out[channel] = hole ? config.hole[c] : (rgb[c] - config.mean[c]) * config.scale;
  }
  out[3] = hole ? 1.0f : 0.0f;
}

/// A row of the network's output as RGB in [0, 1], such that truncation makes the port's samples.
void to_rgb(const Config& config, float white, std::span<float> row) {
  if (config.output == Output::clamp) {
    for (float& value : row) value = (value + 1) / 2;
  }
  if (config.rounds) {
    for (float& value : row) value += 0.5f / white;
  }
  if (config.colours == Colours::bgr) {
    for (size_t i = 0; i + 2 < row.size(); i += 3) std::swap(row[i], row[i + 2]);
  }
}

void complete(const Config& config, int64_t bits, const image::Mask& mask, const Colour& colour,
              const Replay& replay, const ReadRow& read) {
  const Shape input{1, 4, round_up(mask.height, kMultiple), round_up(mask.width, kMultiple)};
  const WriteRow write = [&](int64_t, int64_t row, std::span<float> values) {
    const int64_t y = std::min(row, mask.height - 1);
    for (int64_t column = 0; column < input.w(); ++column) {
      const int64_t x = std::min(column, mask.width - 1);
      write_pixel(config, mask.at(y, x), colour(y, x), &values[static_cast<size_t>(4 * column)]);
    }
  };
  const auto white = static_cast<float>(image::white_of(bits));
  std::vector<float> rgb;
  const ReadRow convert = [&](int64_t n, int64_t y, std::span<const float> row) {
    rgb.assign(row.begin(), row.end());
    to_rgb(config, white, rgb);
    read(n, y, rgb);
  };
  replay({{"input", {input, write}}}, {{"output", convert}});
}

/// At the picture's own size: each row goes straight into those pixels of the result that `taken`
/// selects.
Image fill(const Config& config, const ImageView& picture, const image::Mask& mask,
           const image::Mask& taken, const Replay& replay) {
  Image result = image::copy_of(picture);
  complete(
      config, picture.bits, mask,
      [&](int64_t y, int64_t x) { return image::rgb_at(picture, y, x); }, replay,
      [&](int64_t, int64_t y, std::span<const float> rgb) {
        if (y < mask.height) image::fill_row(result, taken, y, rgb);
      });
  return result;
}

/// At a smaller size; what the network made is scaled back up before it is taken.
Image fill_scaled(const Config& config, const ImageView& picture, const image::Mask& small_mask,
                  const image::Mask& taken, const Replay& replay) {
  const image::Extent2d extent{small_mask.height, small_mask.width};
  const image::FloatImage small = image::resize(picture, extent);
  image::FloatImage made{extent.width, extent.height, 3, {}};
  complete(
      config, picture.bits, small_mask,
      [&](int64_t y, int64_t x) -> std::array<float, 3> {
        const float* p = &small.values[static_cast<size_t>((y * small.width + x) * small.channels)];
        if (image::is_grey(small.channels)) return {p[0], p[0], p[0]};
        return {p[0], p[1], p[2]};
      },
      replay,
      [&](int64_t, int64_t y, std::span<const float> rgb) {
        if (y >= extent.height) return;
        made.values.insert(made.values.end(), rgb.begin(), rgb.begin() + 3 * extent.width);
      });
  const image::FloatImage full = image::resize(made, {picture.height, picture.width});
  return image::composite(picture, taken, image::view_of(full));
}

}  // namespace

Image inpaint(const Config& config, const ImageView& picture, const ImageView& mask_picture,
              const InpaintOptions& options, const Replay& replay, const Warn& warn) {
  const image::Mask mask = image::make_mask(mask_picture, {.invert = options.invert_mask});
  image::require_same_extent(picture, mask);
  const double fraction = mask.fraction();
  if (fraction == 0) {
    warn("the mask selects nothing: the picture is copied as it is (white = hole)");
    return image::copy_of(picture);
  }
  if (fraction > 0.95) {
    warn("the mask selects " + std::to_string(static_cast<int>(100 * fraction)) +
         " % of the picture; is it inverted? (white = hole)");
  }
  const image::Extent2d extent{picture.height, picture.width};
  const image::Extent2d limited = image::limited_extent(extent, options.max_side);
  const auto made = [&](const image::Mask& taken) {
    if (limited == extent) return fill(config, picture, mask, taken, replay);
    const image::Mask small_mask =
        image::make_mask(mask_picture, {.invert = options.invert_mask, .target = limited});
    return fill_scaled(config, picture, small_mask, taken, replay);
  };
  if (options.blend == Blend::off) return made(mask);
  const image::Mask everything{mask.height, mask.width,
                               std::vector<uint8_t>(mask.holes.size(), uint8_t{1})};
  return image::blend(picture, mask, made(everything), options.blend);
}

}  // namespace kintsugi::networks::glcic
