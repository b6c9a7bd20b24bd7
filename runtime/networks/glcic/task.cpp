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
#include "runtime/program/cuts.h"

namespace kintsugi::networks::glcic {

to_tensor::Desc input_desc(const Config& config) {
  to_tensor::Desc desc{{}, {}, {}, {.hole = 1}};
  constexpr to_tensor::From kFrom[] = {to_tensor::From::red, to_tensor::From::green,
                                       to_tensor::From::blue};
  for (size_t c = 0; c < 3; ++c) {
    desc.channels[config.colours == Colours::bgr ? 2 - c : c] = {
        .from = kFrom[c], .mean = config.mean[c], .scale = config.scale, .hole = config.hole[c]};
  }
  return desc;
}

to_image::Desc output_desc(const Config& config) {
  to_image::Desc desc{.rounds = config.rounds};
  for (int c = 0; c < 3; ++c) {
    to_image::Source& source = desc.rgb[static_cast<size_t>(c)];
    source.channel = config.colours == Colours::bgr ? 2 - c : c;
    if (config.output == Output::clamp) source.shift = 1, source.scale = 0.5f;
  }
  return desc;
}

namespace {

constexpr ImageGraph kCompletion{
    .graph = kGraph, .input = "input", .output = "output", .multiple = kMultiple};

Letters letters_of(const image::Mask& mask) {
  return {.h = round_up(mask.height, kMultiple), .w = round_up(mask.width, kMultiple)};
}

/// At the picture's own size: samples go in, and come out where `taken` selects pixels.
Image fill(const Config& config, const TaskInput& input, const image::Mask& mask,
           const image::Mask& taken, Runner& runner) {
  Image result = image::copy_of(input.image);
  each_cut(runner, kCompletion, input, input_desc(config), output_desc(config), result, &mask,
           &taken);
  return result;
}

/// A pixel of the network's input from a colour in [0, 1] that is no sample.
void write_pixel(const to_tensor::Desc& desc, bool hole, const std::array<float, 3>& rgb,
                 float* out) {
  for (size_t k = 0; k < static_cast<size_t>(desc.count); ++k) {
    out[k] = desc.channels[k].value(rgb[0], rgb[1], rgb[2], hole);
  }
}

/// A pixel of the network's output as RGB in [0, 1], such that truncation makes the port's samples.
std::array<float, 3> to_rgb(const to_image::Desc& desc, int64_t bits, const float* pixel) {
  const float half = 0.5f / static_cast<float>(image::white_of(bits));
  std::array<float, 3> rgb{};
  for (size_t c = 0; c < 3; ++c) {
    rgb[c] = desc.rgb[c].value(pixel[desc.rgb[c].channel]);
    if (desc.rounds) rgb[c] += half;
  }
  return rgb;
}

/// At a smaller size; what the network made is scaled back up before it is taken.
Image fill_scaled(const Config& config, const ImageView& picture, const image::Mask& small_mask,
                  const image::Mask& taken, Runner& runner) {
  const image::Extent2d extent{small_mask.height, small_mask.width};
  const image::FloatImage small = image::resize(picture, extent);
  const auto colour = [&](int64_t y, int64_t x) -> std::array<float, 3> {
    const float* p = &small.values[static_cast<size_t>((y * small.width + x) * small.channels)];
    if (image::is_grey(small.channels)) return {p[0], p[0], p[0]};
    return {p[0], p[1], p[2]};
  };
  const Letters letters = letters_of(small_mask);
  const WriteRow write = [&, desc = input_desc(config)](int64_t, int64_t row,
                                                        std::span<float> values) {
    const int64_t y = std::min(row, extent.height - 1);
    for (int64_t column = 0; column < letters.w; ++column) {
      const int64_t x = std::min(column, extent.width - 1);
      write_pixel(desc, small_mask.at(y, x), colour(y, x),
                  &values[static_cast<size_t>(4 * column)]);
    }
  };
  image::FloatImage made{extent.width, extent.height, 3, {}};
  const ReadRow read = [&, desc = output_desc(config)](int64_t, int64_t y,
                                                       std::span<const float> row) {
    if (y >= extent.height) return;
    for (int64_t x = 0; x < extent.width; ++x) {
      const std::array<float, 3> rgb = to_rgb(desc, picture.bits, &row[static_cast<size_t>(3 * x)]);
      made.values.insert(made.values.end(), rgb.begin(), rgb.end());
    }
  };
  runner.replay(kGraph, letters, {{"input", write}}, {{"output", read}});
  const image::FloatImage full = image::resize(made, {picture.height, picture.width});
  return image::composite(picture, taken, image::view_of(full));
}

}  // namespace

TaskOutput inpaint(const Config& config, const TaskInput& input, Runner& runner) {
  const ImageView& image = input.image;
  const image::Mask mask = image::make_mask(input.mask, {.invert = input.invert_mask});
  const double fraction = mask.fraction();
  if (fraction == 0) {
    runner.warn("the mask selects nothing: the picture is copied as it is (white = hole)");
    return image_output(image::copy_of(image));
  }
  if (fraction > 0.95) {
    runner.warn("the mask selects " + std::to_string(static_cast<int>(100 * fraction)) +
                " % of the picture; is it inverted? (white = hole)");
  }
  const image::Extent2d extent{image.height, image.width};
  const image::Extent2d limited = image::limited_extent(extent, input.max_side);
  const auto made = [&](const image::Mask& taken) {
    if (limited == extent) return fill(config, input, mask, taken, runner);
    const image::Mask small_mask =
        image::make_mask(input.mask, {.invert = input.invert_mask, .target = limited});
    return fill_scaled(config, image, small_mask, taken, runner);
  };
  if (input.blend == Blend::off) return image_output(made(mask));
  const image::Mask everything{mask.height, mask.width,
                               std::vector<uint8_t>(mask.holes.size(), uint8_t{1})};
  return image_output(image::blend(image, mask, made(everything), input.blend));
}

}  // namespace kintsugi::networks::glcic
