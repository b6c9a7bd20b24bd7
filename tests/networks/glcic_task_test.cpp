// SPDX-License-Identifier: MIT
//
// What GLCIC's task has to_tensor and to_image do to images, against the arithmetic of its ports pixel by
// pixel, bit for bit: at the image's own size they convert it; scaled, the task does it itself.
#include <cstring>

#include "runtime/image/compose.h"
#include "runtime/image/pixel.h"
#include "runtime/image/samples.h"
#include "runtime/networks/glcic/glcic.h"
#include "runtime/session/images.h"
#include "tests/networks/fake_runner.h"
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

constexpr int64_t kWidth = 13, kHeight = 10;
const Shape kInput{1, 4, 12, 16}, kOutput{1, 3, 12, 16};

/// Numbers of the network's output, a little beyond its range, with a pad channel.
std::vector<float> numbers() {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> uniform(-1.3f, 1.3f);
  std::vector<float> made;
  for (int64_t i = 0; i < kInput.elements(); ++i) made.push_back(i % 4 == 3 ? 0 : uniform(random));
  return made;
}

/// What the port's own code feeds its network.
std::vector<float> expected_input(const Config& config, const Image& picture, const Image& mask) {
  std::vector<float> out;
  for (int64_t y = 0; y < kInput.h(); ++y) {
    for (int64_t x = 0; x < kInput.w(); ++x) {
      const int64_t py = std::min(y, kHeight - 1), px = std::min(x, kWidth - 1);
      const bool hole = mask.pixels[static_cast<size_t>(py * kWidth + px)] != 0;
      std::array<float, 4> pixel{0, 0, 0, hole ? 1.0f : 0.0f};
      for (size_t c = 0; c < 3; ++c) {
        const float colour = image::rgb_at(picture, py, px)[c];
        pixel[config.colours == Colours::bgr ? 2 - c : c] =
            hole ? config.hole[c] : (colour - config.mean[c]) * config.scale;
      }
      out.insert(out.end(), pixel.begin(), pixel.end());
    }
  }
  return out;
}

/// What it makes of the output.
Image expected_picture(const Config& config, const Image& picture, const Image& mask) {
  std::vector<float> rgb = numbers();
  for (float& value : rgb) {
    if (config.output == Output::clamp) value = (value + 1) / 2;
    if (config.rounds) value += 0.5f / static_cast<float>(image::white_of(picture.bits));
  }
  for (size_t i = 0; config.colours == Colours::bgr && i < rgb.size(); i += 4) {
    std::swap(rgb[i], rgb[i + 2]);
  }
  return image::composite(picture, image::make_mask(mask), {rgb.data(), kOutput, 4});
}

Image picture_of(int64_t channels, int64_t bits) {
  Image picture = test::random_picture(kWidth, kHeight, channels * bits / 8);
  picture.channels = channels;
  picture.bits = bits;
  return picture;
}

void expect_the_ports_bits(const Config& config, const Image& picture) {
  const Image mask = test::box_mask(kWidth, kHeight, 3, 2, 9, 9);
  const std::vector<float> made = numbers(), expected = expected_input(config, picture, mask);
  ThreadPool threads(2);
  test::FakeRunner runner;
  runner.on_replay = [&](std::string_view, const Letters& letters, const Sources& sources,
                         const Sinks& outputs) {
    ASSERT_EQ(letters, (Letters{1, kInput.h(), kInput.w()}));
    const session::Images images = images_of(sources, outputs);
    const auto& source = std::get<ImageSource>(sources.at("input"));
    const auto& sink = std::get<ImageSink>(outputs.at("output"));
    const int64_t colours = image::colours(picture.channels);
    const auto convert = [&]<class S>(S) {
      const DType dtype = kDType<S>;
      const Shape shape{1, colours, kInput.h(), kInput.w()}, plane{1, 1, kInput.h(), kInput.w()};
      std::vector<S> samples(static_cast<size_t>(shape.elements()));
      std::vector<uint8_t> holes(static_cast<size_t>(plane.elements()));
      const AnyView view{reinterpret_cast<std::byte*>(samples.data()), dtype, shape, colours};
      const AnyView mask_view{reinterpret_cast<std::byte*>(holes.data()), DType::u8, plane, 1};
      image::write_samples(view, source.image, source.y0, source.x0, threads);
      image::write_samples(mask_view, *source.holes, source.y0, source.x0, threads);
      std::vector<float> fed(made.size(), NAN), first_bad(static_cast<size_t>(4 * kInput.h()));
      to_tensor::cpu<S>(
          images.inputs.at("input").desc,
          {view.as<const S>(), mask_view.as<const uint8_t>(), {fed.data(), kInput, 4}}, threads);
      EXPECT_EQ(std::memcmp(fed.data(), expected.data(), 4 * fed.size()), 0);
      to_image::cpu<S>(
          images.outputs.at("output"),
          {{made.data(), kOutput, 4}, view.as<S>(), {first_bad.data(), {1, 1, 12, 1}, 4}}, threads);
      image::read_samples(view, *sink.image, sink.part, threads);
    };
    picture.bits == 8 ? convert(uint8_t{}) : convert(uint16_t{});
  };
  const Image got = inpaint(config, {.image = picture, .mask = mask}, runner).images.at("image");
  EXPECT_EQ(got.pixels, expected_picture(config, picture, mask).pixels);
  EXPECT_NE(got.pixels, picture.pixels);
}

TEST(GlcicTask, ConvertsPicturesAsThePortsDo) {
  for (const Config& config : {kOfficial, kSigned, kOfMeans}) {
    for (const int64_t channels : {1, 2, 3, 4}) {
      for (const int64_t bits : {8, 16}) {
        SCOPED_TRACE(std::to_string(channels) + " channels of " + std::to_string(bits) + " bits");
        expect_the_ports_bits(config, picture_of(channels, bits));
      }
    }
  }
}

/// To half the size and back: a picture of one colour, whose sizes are all alike.
TEST(GlcicTask, ConvertsScaledPicturesAsThePortsDo) {
  for (const Config& config : {kOfficial, kSigned, kOfMeans}) {
    Image picture{16, 8, 3, std::vector<uint8_t>(16 * 8 * 3)};
    for (size_t i = 0; i < picture.pixels.size(); ++i) {
      picture.pixels[i] = static_cast<uint8_t>(i % 3 == 0 ? 51 : i % 3 == 1 ? 102 : 204);
    }
    const Image mask = test::box_mask(16, 8, 0, 0, 8, 8);
    const std::array<float, 3> made{0.1f, 0.4f, 0.9f};
    test::FakeRunner runner;
    runner.on_replay = [&](std::string_view, const Letters& letters, const Sources& sources,
                           const Sinks& outputs) {
      ASSERT_EQ(letters, (Letters{1, 4, 8}));
      for (int64_t y = 0; y < 4; ++y) {
        std::vector<float> row(8 * 4, NAN), out;
        std::get<WriteRow>(sources.at("input"))(0, y, row);
        for (size_t x = 0; x < 8; ++x) {
          for (size_t c = 0; c < 3; ++c) {
            const float colour = static_cast<float>(picture.pixels[c]) / 255;
            const float known = (colour - config.mean[c]) * config.scale;
            const size_t k = config.colours == Colours::bgr ? 2 - c : c;
            EXPECT_NEAR(row[4 * x + k], x < 4 ? config.hole[c] : known, 1e-6) << x;
          }
          EXPECT_EQ(row[4 * x + 3], x < 4 ? 1 : 0);
          out.insert(out.end(), made.begin(), made.end());
        }
        std::get<ReadRow>(outputs.at("output"))(0, y, out);
      }
    };
    const Image got =
        inpaint(config, {.image = picture, .mask = mask, .max_side = 8}, runner).images.at("image");
    for (size_t c = 0; c < 3; ++c) {
      const float value = made[config.colours == Colours::bgr ? 2 - c : c];
      const float rgb = config.output == Output::clamp ? (value + 1) / 2 : value;
      EXPECT_NEAR(got.pixels[c], rgb * 255 - (config.rounds ? 0 : 0.5f), 0.51f);
      EXPECT_EQ(got.pixels[3 * 8 + c], picture.pixels[c]);
    }
  }
}

}  // namespace
}  // namespace kintsugi::networks::glcic
