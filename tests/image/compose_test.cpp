// SPDX-License-Identifier: MIT
//
// Known pixels survive bit for bit; holes are clamped, scaled and truncated; the official composite
// of the stored vector comes out byte for byte.
#include "runtime/image/compose.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/image/metrics.h"
#include "runtime/image/pixel.h"
#include "runtime/weights/safetensors.h"
#include "tests/image/support.h"

namespace kintsugi::testing {
namespace {

using image::composite;
using image::FloatImage;
using image::Mask;
using image::view_of;

Mask random_mask(int64_t width, int64_t height, uint32_t seed) {
  std::mt19937 random(seed);
  Mask mask{height, width, {}};
  for (int64_t i = 0; i < width * height; ++i) mask.holes.push_back(random() % 2);
  return mask;
}

FloatImage generated_rgb(int64_t width, int64_t height, uint32_t seed) {
  std::mt19937 random(seed);
  FloatImage image{width, height, 3, {}};
  for (int64_t i = 0; i < width * height * 3; ++i) {  // a little beyond [0, 1] on both sides
    image.values.push_back(static_cast<float>(random() % 1400) / 1000.0F - 0.2F);
  }
  return image;
}

TEST(Composite, KnownPixelsAreIdenticalHolesAreTruncated) {
  for (int64_t channels = 1; channels <= 4; ++channels) {
    for (uint32_t seed = 0; seed < 20; ++seed) {
      const int64_t width = 1 + seed * 3 % 17;
      const int64_t height = 1 + seed * 5 % 13;
      const Image picture = noise(width, height, channels, seed);
      const Mask mask = random_mask(width, height, seed);
      const FloatImage generated = generated_rgb(width + 3, height + 2, seed);  // padded
      const Image mended = composite(picture, mask, view_of(generated));
      EXPECT_EQ(image::differing_outside(picture, mended, mask), 0);
      for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x) {
          const uint8_t* before = image::pixel_at(picture, y, x);
          const uint8_t* after = image::pixel_at(mended, y, x);
          if (!mask.at(y, x)) {
            EXPECT_TRUE(std::equal(before, before + channels, after));
            continue;
          }
          if (image::has_alpha(channels)) {
            EXPECT_EQ(after[channels - 1], before[channels - 1]);
          }
          std::array<double, 3> rgb{};
          for (size_t c = 0; c < 3; ++c) {
            const double value = view_of(generated).at(0, static_cast<int64_t>(c), y, x);
            rgb[c] = std::min(std::max(value, 0.0), 1.0);
            if (channels >= 3) {
              EXPECT_NEAR(after[c], rgb[c] * 255.0 - 0.5, 0.5001);
            }
          }
          if (channels <= 2) {
            const double luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
            EXPECT_NEAR(after[0], luma * 255.0 - 0.5, 0.5001);
          }
        }
      }
    }
  }
}

TEST(Composite, TruncatesAndDoesNotRound) {
  const Image picture{1, 1, 3, {9, 9, 9}};
  const Mask mask{1, 1, {1}};
  const FloatImage almost{1, 1, 3, {0.9999F, 99.99F / 255.0F, -3.0F}};
  EXPECT_EQ(composite(picture, mask, view_of(almost)).pixels, (std::vector<uint8_t>{254, 99, 0}));
  const FloatImage beyond{1, 1, 3, {1.0F, 7.5F, 0.0F}};
  EXPECT_EQ(composite(picture, mask, view_of(beyond)).pixels, (std::vector<uint8_t>{255, 255, 0}));
  for (int value = 0; value < 256; ++value) {  // every byte survives a trip through [0, 1]
    EXPECT_EQ(image::to_sample(static_cast<float>(value) / 255.0F, 8), value);
    const float part = static_cast<float>(value) / 255.0F;
    EXPECT_EQ(image::to_sample(image::luma({part, part, part}), 8), value);
  }
}

TEST(Composite, FromBytes) {
  const Image picture = noise(6, 5, 4);
  const Image generated = noise(6, 5, 3, 2);
  const Mask mask = random_mask(6, 5, 3);
  const Image mended = composite(picture, mask, ImageView(generated));
  EXPECT_EQ(image::differing_outside(picture, mended, mask), 0);
  EXPECT_EQ(image::psnr_inside(mended, generated, mask), std::numeric_limits<double>::infinity());
}

TEST(Composite, AWidePitchIsRespected) {
  const Image picture{2, 1, 3, {0, 0, 0, 0, 0, 0}};
  const std::array<float, 8> padded = {0.2F, 0.4F, 0.6F, 0, 0.8F, 1.0F, 0.0F, 0};
  const TensorView<const float> view{padded.data(), {1, 3, 1, 2}, 4};
  EXPECT_EQ(composite(picture, Mask{1, 2, {1, 1}}, view).pixels,
            (std::vector<uint8_t>{51, 102, 153, 204, 255, 0}));
}

TEST(Composite, RefusesWhatDoesNotFit) {
  const Image picture = noise(4, 3, 3);
  const FloatImage generated = generated_rgb(4, 3, 1);
  expect_error(ErrorCode::mismatch, "the mask is 3 x 4 pixels and the picture 4 x 3",
               [&] { (void)composite(picture, random_mask(3, 4, 1), view_of(generated)); });
  expect_error(ErrorCode::mismatch, "cannot take its holes from a tensor [1, 3, 2, 4]", [&] {
    (void)composite(picture, random_mask(4, 3, 1), view_of(generated_rgb(4, 2, 1)));
  });
  FloatImage broken = generated;
  broken.values[5] = std::numeric_limits<float>::quiet_NaN();  // x = 1, y = 0
  Mask mask{3, 4, std::vector<uint8_t>(12, 0)};
  EXPECT_EQ(composite(picture, mask, view_of(broken)).pixels, picture.pixels);
  mask.holes[1] = 1;
  expect_error(ErrorCode::not_finite, "not a number at pixel x = 1, y = 0",
               [&] { (void)composite(picture, mask, view_of(broken)); });
}

TEST(Composite, EqualsTheOfficialVector) {
  const weights::SafetensorsFile file(std::filesystem::path(KINTSUGI_TEST_DATA) /
                                      "glcic_ch8_pre_post.safetensors");
  const auto bytes_named = [&file](const char* name) {
    const std::span<const std::byte> bytes = file.find(name)->bytes;
    const auto* first = reinterpret_cast<const uint8_t*>(bytes.data());
    return std::vector<uint8_t>(first, first + bytes.size());
  };
  const Image picture{96, 64, 3, bytes_named("picture")};
  Image mask_picture{96, 64, 1, bytes_named("mask")};
  for (uint8_t& value : mask_picture.pixels) value = value != 0 ? 255 : 0;
  const Image expected{96, 64, 3, bytes_named("composite_bytes")};

  std::vector<float> planes(3 * 64 * 96);  // [3, H, W]
  std::memcpy(planes.data(), file.find("composite")->bytes.data(), planes.size() * sizeof(float));
  FloatImage generated{96, 64, 3, std::vector<float>(planes.size())};
  for (size_t i = 0; i < 64 * 96; ++i) {
    for (size_t c = 0; c < 3; ++c) generated.values[i * 3 + c] = planes[c * 64 * 96 + i];
  }
  expect_equal(composite(picture, image::make_mask(mask_picture), view_of(generated)), expected);
}

TEST(Metrics, DecibelsInsideAndDifferencesOutside) {
  const Image a{3, 1, 3, {10, 10, 10, 20, 20, 20, 30, 30, 30}};
  Image b = a;
  b.pixels[3] = 23;  // hole: squares 9, 0, 0
  b.pixels[8] = 31;  // known
  const Mask mask{1, 3, {0, 1, 0}};
  EXPECT_NEAR(image::psnr_inside(a, b, mask), 10 * std::log10(255.0 * 255.0 / 3.0), 1e-12);
  EXPECT_EQ(image::differing_outside(a, b, mask), 1);
  EXPECT_TRUE(std::isinf(image::psnr_inside(a, a, mask)));
  EXPECT_TRUE(std::isnan(image::psnr_inside(a, b, Mask{1, 3, {0, 0, 0}})));
  // Grey counts as RGB, alpha is looked at outside only.
  const Image grey{1, 1, 1, {7}};
  const Image colour{1, 1, 3, {7, 7, 7}};
  EXPECT_TRUE(std::isinf(image::psnr_inside(grey, colour, Mask{1, 1, {1}})));
  const Image clear{1, 1, 2, {7, 0}};
  const Image opaque{1, 1, 2, {7, 255}};
  EXPECT_TRUE(std::isinf(image::psnr_inside(clear, opaque, Mask{1, 1, {1}})));
  EXPECT_EQ(image::differing_outside(clear, opaque, Mask{1, 1, {0}}), 1);
  expect_error(ErrorCode::mismatch, "must have one size",
               [&] { (void)image::psnr_inside(a, grey, mask); });
  expect_error(ErrorCode::mismatch, "1 and 3 channels", [&] {
    (void)image::differing_outside(grey, colour, Mask{1, 1, {0}});
  });
}

}  // namespace
}  // namespace kintsugi::testing
