// SPDX-License-Identifier: MIT
//
// Poisson blending against its definition, seamlessClone against OpenCV 4.6, the sine transform
// against its sum.
#include "runtime/image/poisson.h"

#include <cmath>
#include <numbers>

#include "runtime/image/blend.h"
#include "runtime/image/compose.h"
#include "runtime/image/metrics.h"
#include "runtime/image/pixel.h"
#include "runtime/image/sine_transform.h"
#include "runtime/image/telea.h"
#include "tests/image/classical_data.h"

namespace kintsugi::testing {
namespace {

using image::Box;
using image::composite;
using image::fill_poisson;
using image::Mask;
using image::seamless_clone;

struct Difference {
  int most = 0;
  int64_t count = 0;
};

Difference difference(const Image& a, const Image& b) {
  Difference found;
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    const int d = std::abs(int{a.pixels[i]} - int{b.pixels[i]});
    found.most = std::max(found.most, d);
    found.count += d != 0 ? 1 : 0;
  }
  return found;
}

TEST(SineTransform, IsItsSum) {
  for (size_t length = 1; length <= 40; ++length) {
    image::SineTransform transform(length);
    std::mt19937 random(static_cast<uint32_t>(length));
    std::vector<double> values(2 * length);
    for (double& value : values) value = static_cast<double>(random() % 1000) - 500;
    const std::vector<double> before = values;
    transform(values.data(), values.data() + 1, 2);
    std::vector<double> alone;
    for (size_t j = 0; j < length; ++j) alone.push_back(before[2 * j]);
    transform(alone.data(), nullptr, 1);
    for (size_t k = 0; k < length; ++k) {
      std::array<double, 2> expected = {0, 0};
      for (size_t j = 0; j < length; ++j) {
        const double sine = std::sin(std::numbers::pi * static_cast<double>((j + 1) * (k + 1)) /
                                     static_cast<double>(length + 1));
        expected[0] += before[2 * j] * sine;
        expected[1] += before[2 * j + 1] * sine;
      }
      EXPECT_NEAR(values[2 * k], expected[0], 1e-8) << length;
      EXPECT_NEAR(values[2 * k + 1], expected[1], 1e-8) << length;
      EXPECT_NEAR(alone[k], expected[0], 1e-8) << length;
    }
  }
}

TEST(SeamlessClone, EqualsOpenCvButForTruncationOfWholeNumbers) {
  const ClassicalData data("classical_cv46.safetensors");
  for (const std::string name : {"clone0", "clone1", "clone2", "clone3"}) {
    const auto [x, y] = data.pair(name + "_centre");
    const Image cloned = seamless_clone(data.image(name + "_source"), data.image(name + "_target"),
                                        data.mask(name + "_mask"), image::Point{.x = x, .y = y});
    const Difference found = difference(cloned, data.image(name + "_result"));
    EXPECT_LE(found.most, 1) << name;
    EXPECT_LE(found.count, 25) << name;
  }
}

TEST(SeamlessClone, EqualsTheOfficialPostProcessing) {
  const ClassicalData data("glcic_ch8_pre_post.safetensors");
  const auto [x, y] = data.pair("centre");
  const Image source = data.image("composite_bytes");
  const Mask mask = data.mask("mask");
  const Image cloned = seamless_clone(source, image::fill_telea(source, mask, 1), mask,
                                      image::Point{.x = x, .y = y});
  const Difference found = difference(cloned, data.image("blended"));
  EXPECT_LE(found.most, 1);
  EXPECT_LE(found.count, 25);
}

TEST(SeamlessClone, OnlyTheInteriorOfTheRectangleChanges) {
  const Image source = noise(30, 20, 3, 1);
  const Image target = noise(30, 20, 3, 2);
  const Mask mask = box_mask(30, 20, {.y0 = 5, .x0 = 8, .y1 = 15, .x1 = 21});
  const Image cloned = seamless_clone(source, target, mask);
  const Mask interior = box_mask(30, 20, {.y0 = 6, .x0 = 9, .y1 = 14, .x1 = 20});
  EXPECT_EQ(image::differing_outside(target, cloned, interior), 0);
  EXPECT_GT(difference(target, cloned).count, 0);
  // A single pixel in the middle of nothing is all border; so are the outermost rows.
  expect_equal(seamless_clone(source, target, box_mask(30, 20, {5, 5, 6, 6})), target);
  expect_equal(seamless_clone(source, target, box_mask(30, 20, {0, 0, 1, 30})), target);
  expect_equal(seamless_clone(source, target, box_mask(30, 20, {})), target);
  expect_error(ErrorCode::usage, "a patch of 13 x 10 pixels does not fit", [&] {
    (void)seamless_clone(source, target, mask, image::Point{3, 10});
  });
}

/// Sweeps until nothing moves: the equations themselves, one channel.
std::vector<double> sweep(const Image& picture, const Mask& mask, const Image& made, int64_t c) {
  const auto at = [&](const Image& image, int64_t y, int64_t x) {
    return static_cast<double>(image::sample_at(image, y, x, c));
  };
  std::vector<double> u;
  for (int64_t i = 0; i < mask.height * mask.width; ++i) {
    u.push_back(at(picture, i / mask.width, i % mask.width));
  }
  for (double moved = 1; moved > 1e-9;) {
    moved = 0;
    for (int64_t y = 0; y < mask.height; ++y) {
      for (int64_t x = 0; x < mask.width; ++x) {
        if (!mask.at(y, x)) continue;
        double sum = 0;
        int count = 0;
        for (const auto& [v, w] :
             {std::pair(y - 1, x), std::pair(y + 1, x), std::pair(y, x - 1), std::pair(y, x + 1)}) {
          if (v < 0 || v >= mask.height || w < 0 || w >= mask.width) continue;
          sum += u[static_cast<size_t>(v * mask.width + w)] + at(made, y, x) - at(made, v, w);
          ++count;
        }
        double& value = u[static_cast<size_t>(y * mask.width + x)];
        moved = std::max(moved, std::abs(sum / count - value));
        value = sum / count;
      }
    }
  }
  return u;
}

TEST(FillPoisson, SolvesItsEquations) {
  for (uint32_t seed = 0; seed < 48; ++seed) {
    const int64_t bits = seed < 24 ? 8 : 16;
    const int64_t width = 1 + seed * 7 % 17;
    const int64_t height = 2 + seed * 5 % 11;
    const int64_t channels = 1 + seed % 4;
    const Image picture = noise(width, height, channels, seed, bits);
    const Image made =
        bits == 8 ? gradient(width, height, channels) : widened(gradient(width, height, channels));
    Mask mask = seed % 2 != 0 ? random_mask(width, height, seed, 1 + seed % 5)
                              : box_mask(width, height, {0, 0, height - 1, (width + 1) / 2});
    mask.holes.back() = 0;
    const Image filled = fill_poisson(picture, mask, made);
    EXPECT_EQ(image::differing_outside(picture, filled, mask), 0);
    for (int64_t c = 0; c < image::colours(channels); ++c) {
      const std::vector<double> expected = sweep(picture, mask, made, c);
      for (size_t i = 0; i < expected.size(); ++i) {
        const double value =
            std::clamp(expected[i], 0.0, static_cast<double>(image::white_of(bits)));
        const auto at = static_cast<int64_t>(i) * channels + c;
        EXPECT_NEAR(image::sample_at(filled.pixels.data(), bits, at), value, 0.5001);
      }
    }
    if (image::has_alpha(channels)) {
      expect_equal(channel_of(filled, channels - 1), channel_of(picture, channels - 1));
    }
  }
}

TEST(FillPoisson, AnotherLevelOfTheSamePictureGivesThePicture) {
  Image picture = gradient(40, 31, 3);
  Image made = picture;
  for (uint8_t& value : made.pixels) value = static_cast<uint8_t>(value + 23);
  const Mask mask = box_mask(40, 31, {.y0 = 0, .x0 = 7, .y1 = 20, .x1 = 40});
  expect_equal(fill_poisson(picture, mask, made), picture);
}

TEST(FillPoisson, EmptyAndFullMasksAndMisfits) {
  const Image picture = noise(6, 5, 4, 1);
  const Image made = noise(6, 5, 4, 2);
  const Mask full = box_mask(6, 5, {0, 0, 5, 6});
  expect_equal(fill_poisson(picture, box_mask(6, 5, {}), made), picture);
  expect_equal(fill_poisson(picture, full, made), composite(picture, full, ImageView(made)));
  const Image pixel = noise(1, 1, 1);
  expect_equal(fill_poisson(pixel, box_mask(1, 1, {0, 0, 1, 1}), pixel), pixel);
  expect_error(ErrorCode::mismatch, "the same channels",
               [&] { (void)fill_poisson(picture, full, noise(6, 5, 3)); });
  expect_error(ErrorCode::mismatch, "the same channels and bits",
               [&] { (void)fill_poisson(picture, full, noise(6, 5, 4, 2, 16)); });
  expect_error(ErrorCode::mismatch, "the mask is 6 x 5",
               [&] { (void)fill_poisson(picture, full, noise(5, 6, 4)); });
}

TEST(Blend, KnownPixelsAndAlphaStayWhateverTheMethod) {
  for (const Blend method : {Blend::off, Blend::poisson, Blend::official}) {
    for (uint32_t seed = 0; seed < 80; ++seed) {
      const int64_t bits = seed % 2 == 0 ? 8 : 16;
      const int64_t width = 1 + seed * 11 % 29;
      const int64_t height = 1 + seed * 5 % 23;
      const int64_t channels = 1 + seed / 2 % 4;
      const Image picture = noise(width, height, channels, seed, bits);
      const Image made = noise(width, height, channels, seed + 1000, bits);
      const Mask mask = seed % 3 == 0 ? box_mask(width, height, {0, 0, height, width})
                                      : random_mask(width, height, seed, 1 + seed % 6);
      const Image mended = image::blend(picture, mask, made, method);
      EXPECT_EQ(image::differing_outside(picture, mended, mask), 0);
      if (image::has_alpha(channels)) {
        expect_equal(channel_of(mended, channels - 1), channel_of(picture, channels - 1));
      }
    }
  }
}

TEST(Blend, OfficialIsTeleaThenSeamlessCloneWithKnownPixelsRestored) {
  const ClassicalData data("glcic_ch8_pre_post.safetensors");
  const Image picture = data.image("picture");
  const Image source = data.image("composite_bytes");
  const Mask mask = data.mask("mask");
  const Image target = image::fill_telea(source, mask, 1);
  const Image cloned = seamless_clone(source, target, mask);
  expect_equal(image::blend(picture, mask, source, Blend::official),
               composite(picture, mask, ImageView(cloned)));
}

}  // namespace
}  // namespace kintsugi::testing
