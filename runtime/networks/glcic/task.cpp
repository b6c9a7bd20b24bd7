// SPDX-License-Identifier: MIT
//
// What happens before and after the network. As the official code does it: the picture less the
// training mean, zeros in the hole, the mask as a fourth channel; afterwards the network's values
// in the hole, truncated to bytes, and the picture's own bytes everywhere else. Pictures that are
// no multiple of four are continued with their border pixels and cropped back, where the official
// code would scale them.
#include <algorithm>

#include "runtime/image/blend.h"
#include "runtime/image/compose.h"
#include "runtime/image/mask.h"
#include "runtime/image/pixel.h"
#include "runtime/image/resize.h"
#include "runtime/networks/glcic/glcic.h"

namespace kintsugi::networks::glcic {
namespace {

constexpr int64_t kMultiple = 4;

/// The colour of a pixel in [0, 1], and whether it is to be filled.
using Colour = std::function<std::array<float, 3>(int64_t y, int64_t x)>;

void complete(const Config& config, const image::Mask& mask, const Colour& colour,
              const Replay& replay, const ReadRow& read) {
  const Shape input{1, 4, round_up(mask.height, kMultiple), round_up(mask.width, kMultiple)};
  const WriteRow write = [&](int64_t, int64_t row, std::span<float> values) {
    const int64_t y = std::min(row, mask.height - 1);
    for (int64_t column = 0; column < input.w(); ++column) {
      const int64_t x = std::min(column, mask.width - 1);
      const bool hole = mask.at(y, x);
      const std::array<float, 3> rgb = hole ? config.mean : colour(y, x);
      float* out = &values[static_cast<size_t>(4 * column)];
      for (size_t c = 0; c < 3; ++c) out[c] = rgb[c] - config.mean[c];
      out[3] = hole ? 1.0f : 0.0f;
    }
  };
  replay(input, write, read);
}

/// At the picture's own size: each row goes straight into those pixels of the result that `taken`
/// selects.
Image fill(const Config& config, const ImageView& picture, const image::Mask& mask,
           const image::Mask& taken, const Replay& replay) {
  Image result{
      picture.width,
      picture.height,
      picture.channels,
      {picture.pixels, picture.pixels + picture.width * picture.height * picture.channels}};
  complete(
      config, mask, [&](int64_t y, int64_t x) { return image::rgb_at(picture, y, x); }, replay,
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
      config, small_mask,
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
  const double fraction = mask.fraction();
  if (fraction == 0) {
    warn("the mask selects nothing: the picture is copied as it is (white = hole)");
    return {picture.width,
            picture.height,
            picture.channels,
            {picture.pixels, picture.pixels + picture.width * picture.height * picture.channels}};
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

Opened open(const weights::Weights& weights, const weights::Detection& detection) {
  const weights::KeyMap keys = detection.map();
  Config config;
  // A wrong rank is explained by the recording, which states the whole shape.
  const auto first_extent = [&](const char* key, int64_t otherwise) {
    const Shape shape = weights.shape_of(keys.stored(key));
    return shape.rank() > 0 && shape[0] > 0 ? shape[0] : otherwise;
  };
  config.width = first_extent("conv1.weight", config.width);
  config.last = first_extent("conv16.weight", config.last);
  const std::vector<double> mean =
      networks::config_numbers(weights, "mean", {config.mean.begin(), config.mean.end()});
  std::ranges::transform(mean, config.mean.begin(), [](double m) { return static_cast<float>(m); });

  Opened opened;
  opened.keys = keys;
  Description& d = opened.description;
  d.title = "GLCIC completion network, " + std::to_string(config.width) + " channels";
  d.variant = "official order (convolution, batch norm, ReLU), key layout '" +
              std::string(detection.layout->name) + "': " + std::string(detection.layout->source);
  d.mask_polarity = "1 = hole";
  d.value_range = "RGB in [0, 1] less the training mean; 0 inside the hole";
  d.size_multiple = kMultiple;
  d.inputs = {{"input", "[N, 4, H, W]", "RGB - mean, 0 in the hole; then the mask, 1 = hole"}};
  d.outputs = {{"output", "[N, 3, H, W]", "RGB in [0, 1]; the mean is not to be added"}};

  opened.input_shape = [](int64_t batch, int64_t height, int64_t width) {
    return Shape{batch, 4, height, width};
  };
  opened.record = [weights, keys, config](const Shape& input, const Settings& settings) {
    networks::check_settings(settings, {});
    graph::Graph graph;
    const graph::Value x = graph.input("input", input);
    graph.output("output", completion(Scope(graph, weights, keys), x, config));
    return graph;
  };
  opened.inpaint = [config](const ImageView& picture, const ImageView& mask,
                            const InpaintOptions& options, const Replay& replay, const Warn& warn) {
    networks::check_settings(options.settings, {});
    return glcic::inpaint(config, picture, mask, options, replay, warn);
  };
  return opened;
}

}  // namespace kintsugi::networks::glcic
