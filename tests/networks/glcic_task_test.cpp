// SPDX-License-Identifier: MIT
//
// What GLCIC's task writes into the network and makes of what comes out, and the same by the kernels of
// image: bit for bit, so that it does not matter on which side of a copy pictures are converted.
#include <cstring>

#include "kernels/image/image.h"
#include "runtime/networks/glcic/glcic.h"
#include "tests/networks/support.h"

namespace kintsugi::networks::glcic {
namespace {

const Config kOfficial{};
const Config kSigned{.output = Output::clamp,
                     .colours = Colours::bgr,
                     .mean = {0.5f, 0.5f, 0.5f},
                     .scale = 2,
                     .hole = {0.25f, -0.5f, 0.75f},
                     .rounds = true};
const Config kOfMeans{.mean = {0, 0, 0}, .hole = {0.4560f, 0.4472f, 0.4155f}};

/// What a description has to say for this port.
image::ToTensor to_tensor(const Config& config) {
  image::ToTensor desc{{}, {}, {}, {.hole = 1}};
  constexpr image::From kFrom[] = {image::From::red, image::From::green, image::From::blue};
  for (size_t c = 0; c < 3; ++c) {
    desc.channels[config.colours == Colours::bgr ? 2 - c : c] = {
        .from = kFrom[c], .mean = config.mean[c], .scale = config.scale, .hole = config.hole[c]};
  }
  return desc;
}

image::ToPicture to_picture(const Config& config) {
  image::ToPicture desc{.rounds = config.rounds};
  for (int c = 0; c < 3; ++c) {
    image::Source& source = desc.rgb[static_cast<size_t>(c)];
    source.channel = config.colours == Colours::bgr ? 2 - c : c;
    if (config.output == Output::clamp) source.shift = 1, source.scale = 0.5f;
  }
  return desc;
}

template <class S>
struct Both {
  Config config;
  Image picture;
  Image mask = test::box_mask(13, 10, 3, 2, 9, 9);
  Shape input{1, 4, 12, 16};
  std::vector<float> fed = std::vector<float>(static_cast<size_t>(input.elements()), NAN);
  std::vector<float> made;  // [12, 16, 3] and a pad channel

  Both(const Config& which, int64_t channels)
      : config(which), picture(test::random_picture(13, 10, channels * int64_t{sizeof(S)})) {
    picture.channels = channels;
    picture.bits = 8 * sizeof(S);
    std::mt19937 random(5);
    std::uniform_real_distribution<float> uniform(-1.3f, 1.3f);
    for (size_t i = 0; i < fed.size(); ++i) made.push_back(i % 4 == 3 ? 0 : uniform(random));
  }

  /// The picture by the task, which writes `fed` and is handed `made`.
  Image by_task() {
    const Replay replay = [&](const std::map<std::string, Feed>& inputs,
                              const std::map<std::string, ReadRow>& outputs) {
      const Feed& feed = inputs.at("input");
      ASSERT_EQ(feed.shape, input);
      for (int64_t y = 0; y < input.h(); ++y) {
        feed.write(0, y, {&fed[static_cast<size_t>(y * input.w() * 4)], size_t{16 * 4}});
        std::vector<float> row;
        for (int64_t x = 0; x < input.w(); ++x) {
          const float* pixel = &made[static_cast<size_t>((y * input.w() + x) * 4)];
          row.insert(row.end(), pixel, pixel + 3);
        }
        outputs.at("output")(0, y, row);
      }
    };
    return inpaint(config, picture, mask, {}, replay, [](const std::string&) {});
  }

  [[nodiscard]] image::PictureView<S> view(Image& of) const {
    return {reinterpret_cast<S*>(of.pixels.data()), {1, of.channels, 10, 13}, 13 * of.channels};
  }
};

template <class S>
void expect_the_same(const Config& config, int64_t channels) {
  Both<S> both(config, channels);
  const Image expected = both.by_task();

  const image::MaskView mask{both.mask.pixels.data(), 13};
  std::vector<float> numbers(both.fed.size(), NAN);
  ThreadPool threads(2);
  image::cpu<S>(to_tensor(config), {both.view(both.picture), mask, {numbers.data(), both.input, 4}},
                threads);
  EXPECT_EQ(std::memcmp(numbers.data(), both.fed.data(), 4 * numbers.size()), 0);

  Image got = both.picture;
  int64_t first_bad = image::kNoPixel;
  image::cpu<S>(to_picture(config),
                {{both.made.data(), {1, 3, 12, 16}, 4}, mask, both.view(got), &first_bad}, threads);
  EXPECT_EQ(first_bad, image::kNoPixel);
  EXPECT_EQ(got.pixels, expected.pixels);
  EXPECT_NE(got.pixels, both.picture.pixels);
}

TEST(GlcicTask, ConvertsPicturesAsTheKernelsDo) {
  for (const Config& config : {kOfficial, kSigned, kOfMeans}) {
    for (const int64_t channels : {1, 2, 3, 4}) {
      SCOPED_TRACE(channels);
      expect_the_same<uint8_t>(config, channels);
      expect_the_same<uint16_t>(config, channels);
    }
  }
}

}  // namespace
}  // namespace kintsugi::networks::glcic
