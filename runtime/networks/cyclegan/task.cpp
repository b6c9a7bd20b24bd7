// SPDX-License-Identifier: MIT
//
// A picture's way through the generator: in as numbers in [-1, 1], out in the same range, truncated to
// samples as both official programs do it, or rounded. The network makes sizes of multiples of four of
// any; what it adds at the end is cropped off. What the authors' program computes of samples is what
// to_tensor and to_image do, where the network runs, and so is the rounding beside it; MindSpore's
// arithmetic, which differs in the last digit, and all scaled images are converted here, on the host.
#include <algorithm>
#include <utility>

#include "runtime/image/pixel.h"
#include "runtime/image/resize.h"
#include "runtime/networks/cyclegan/cyclegan.h"
#include "runtime/program/cuts.h"

namespace kintsugi::networks::cyclegan {

to_tensor::Desc input_desc() {
  using to_tensor::From;
  constexpr auto kColour = [](From from) {
    return to_tensor::Channel{.from = from, .mean = 0.5f, .scale = 2};
  };
  return {kColour(From::red), kColour(From::green), kColour(From::blue)};
}

to_image::Desc output_desc(bool round) {
  to_image::Desc desc{.rounds = round};
  for (to_image::Source& source : desc.rgb) source.shift = 1, source.scale = 0.5f;
  return desc;
}

namespace {

/// A sample of a picture as either form's code has it in float; they differ in the last digit.
float to_network(Form form, float sample, float white) {
  if (form == Form::mindspore) return (sample - white / 2) / (white / 2);
  return (sample / white - 0.5f) / 0.5f;
}

/// The authors' in the steps of kernels/to_image, so that a tie is rounded alike.
int32_t to_sample(Form form, float value, int32_t white, bool round) {
  const auto full = static_cast<float>(white);
  if (form == Form::pytorch) {
    return image::quantised((value + 1) * 0.5f + (round ? 0.5f / full : 0.0f), white);
  }
  const float sample = value * (full / 2) + full / 2;
  return static_cast<int32_t>(std::clamp(round ? sample + 0.5f : sample, 0.0f, full));
}

/// RGB, and the alpha of `picture` where it has one.
Image made_for(const ImageView& picture) {
  const bool alpha = image::has_alpha(picture.channels);
  Image made = image::black(picture.width, picture.height, alpha ? 4 : 3, picture.bits);
  for (int64_t i = 0; alpha && i < picture.width * picture.height; ++i) {
    const int64_t from = (i + 1) * picture.channels - 1;
    image::put_sample(made, 4 * i + 3, image::sample_at(picture.pixels, picture.bits, from));
  }
  return made;
}

/// At the picture's own size, as the authors' program does it.
Image translate_samples(const TaskInput& input, Runner& runner) {
  constexpr ImageGraph kGenerator{
      .graph = kGraph, .input = "input", .output = "output", .multiple = kMultiple, .pads = false};
  Image made = made_for(input.image);
  each_cut(runner, kGenerator, input, input_desc(), output_desc(input.round), made);
  return made;
}

struct Translation {
  const Config& config;
  bool round = false;
  Image& made;

  void put_row(int64_t y, const float* rgb) const {
    const int32_t white = image::white_of(made.bits);
    for (int64_t x = 0; x < made.width; ++x) {
      for (int64_t c = 0; c < 3; ++c) {
        image::put_sample(made, (y * made.width + x) * made.channels + c,
                          to_sample(config.form, rgb[3 * x + c], white, round));
      }
    }
  }
};

/// Replays on a picture whose samples `sample_at(y, x, c)` gives, and hands out rows of its size.
template <class SampleAt, class Row>
void run(const Config& config, image::Extent2d extent, float white, Runner& runner,
         const SampleAt& sample_at, const Row& row) {
  const WriteRow write = [&](int64_t, int64_t y, std::span<float> values) {
    for (int64_t x = 0; x < extent.width; ++x) {
      for (int64_t c = 0; c < 3; ++c) {
        values[static_cast<size_t>(3 * x + c)] = to_network(config.form, sample_at(y, x, c), white);
      }
    }
  };
  const ReadRow read = [&](int64_t, int64_t y, std::span<const float> rgb) {
    if (y < extent.height) row(y, rgb.data());
  };
  runner.replay(kGraph, {.h = extent.height, .w = extent.width}, {{"input", write}},
                {{"output", read}});
}

Image translated(const Config& config, const TaskInput& input, Runner& runner) {
  const ImageView& picture = input.image;
  const image::Extent2d extent{picture.height, picture.width};
  const image::Extent2d limited = image::limited_extent(extent, input.max_side);
  if (limited == extent && config.form == Form::pytorch) {
    return translate_samples(input, runner);
  }
  Image made = made_for(picture);
  const Translation translation{config, input.round, made};
  if (limited == extent) {
    const bool grey = image::is_grey(picture.channels);
    run(
        config, extent, static_cast<float>(image::white_of(picture.bits)), runner,
        [&](int64_t y, int64_t x, int64_t c) {
          return static_cast<float>(image::sample_at(picture, y, x, grey ? 0 : c));
        },
        [&](int64_t y, const float* rgb) { translation.put_row(y, rgb); });
    return made;
  }
  const image::FloatImage small = image::resize(picture, limited);
  const bool grey = image::is_grey(small.channels);
  image::FloatImage output{limited.width, limited.height, 3, {}};
  run(
      config, limited, 1.0f, runner,
      [&](int64_t y, int64_t x, int64_t c) {
        return small
            .values[static_cast<size_t>((y * small.width + x) * small.channels + (grey ? 0 : c))];
      },
      [&](int64_t, const float* rgb) {
        output.values.insert(output.values.end(), rgb, rgb + 3 * limited.width);
      });
  const image::FloatImage full = image::resize(output, extent);
  for (int64_t y = 0; y < extent.height; ++y) {
    translation.put_row(y, &full.values[static_cast<size_t>(3 * y * extent.width)]);
  }
  return made;
}

}  // namespace

TaskOutput translate(const Config& config, const TaskInput& input, Runner& runner) {
  return image_output(translated(config, input, runner));
}

}  // namespace kintsugi::networks::cyclegan
