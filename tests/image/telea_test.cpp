// SPDX-License-Identifier: MIT
//
// Telea to the byte of OpenCV 4.6, and what OpenCV was never asked: pictures of one row, full masks,
// alpha.
#include "runtime/image/telea.h"

#include "kintsugi/classical.hpp"
#include "runtime/image/metrics.h"
#include "runtime/image/pixel.h"
#include "tests/image/classical_data.h"

namespace kintsugi::testing {
namespace {

using image::fill_telea;
using image::Mask;

TEST(Telea, EqualsOpenCv) {
  const ClassicalData data("classical_cv46.safetensors");
  for (const std::string name : {"telea0", "telea1"}) {
    const Image picture = data.image(name + "_picture");
    const Mask mask = data.mask(name + "_mask");
    const Image grey = channel_of(picture, 1);
    for (const int64_t radius : {1, 3, 5}) {
      const std::string at = "_r" + std::to_string(radius);
      expect_equal(fill_telea(picture, mask, radius), data.image(name + at));
      expect_equal(fill_telea(grey, mask, radius), data.image(name + "_grey" + at));
    }
  }
}

TEST(Telea, EqualsTheOfficialPostProcessing) {
  const ClassicalData data("glcic_ch8_pre_post.safetensors");
  expect_equal(fill_telea(data.image("composite_bytes"), data.mask("mask"), 1),
               data.image("telea"));
}

TEST(Telea, ChannelsAreFilledAloneAndAlphaStays) {
  const Image rgba = noise(23, 17, 4);
  const Mask mask = box_mask(23, 17, {.y0 = 4, .x0 = 0, .y1 = 12, .x1 = 9});
  const Image filled = fill_telea(rgba, mask, 3);
  EXPECT_EQ(image::differing_outside(rgba, filled, mask), 0);
  for (int64_t c = 0; c < 3; ++c) {
    expect_equal(channel_of(filled, c), fill_telea(channel_of(rgba, c), mask, 3));
  }
  expect_equal(channel_of(filled, 3), channel_of(rgba, 3));
  const Image grey_alpha = noise(9, 9, 2);
  const Image filled_grey = fill_telea(grey_alpha, box_mask(9, 9, {3, 3, 6, 6}), 2);
  expect_equal(channel_of(filled_grey, 1), channel_of(grey_alpha, 1));
}

TEST(Telea, KnownPixelsStayAtAnySizeAndKind) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const int64_t width = 1 + seed * 7 % 19;
    const int64_t height = 1 + seed * 5 % 13;
    const int64_t channels = 1 + seed % 4;
    const int64_t radius = 1 + seed % 6;
    const Image picture = noise(width, height, channels, seed);
    const Mask mask = random_mask(width, height, seed, 1 + seed % 3);
    const Image filled = fill_telea(picture, mask, radius);
    EXPECT_EQ(image::differing_outside(picture, filled, mask), 0) << width << "x" << height;
  }
}

TEST(Telea, WhatStoodInTheHoleDoesNotMatter) {
  for (const int64_t radius : {1, 2, 5}) {
    Image picture = noise(20, 15, 3);
    const Mask mask = box_mask(20, 15, {.y0 = 3, .x0 = 4, .y1 = 12, .x1 = 17});
    const Image filled = fill_telea(picture, mask, radius);
    for (size_t i = 0; i < picture.pixels.size(); ++i) {
      if (mask.holes[i / 3] != 0) picture.pixels[i] ^= 0xff;
    }
    expect_equal(fill_telea(picture, mask, radius), filled);
  }
}

TEST(Telea, EmptyAndFullMasksAndOnePixel) {
  const Image picture = noise(7, 5, 3);
  expect_equal(fill_telea(picture, box_mask(7, 5, {}), 3), picture);
  expect_equal(fill_telea(picture, box_mask(7, 5, {0, 0, 5, 7}), 3), picture);
  const Image pixel = noise(1, 1, 3);
  expect_equal(fill_telea(pixel, box_mask(1, 1, {0, 0, 1, 1}), 3), pixel);
  const Image row{3, 1, 1, {10, 0, 30}};
  EXPECT_NEAR(fill_telea(row, box_mask(3, 1, {0, 1, 1, 2}), 1).pixels[1], 20, 12);
}

TEST(Telea, ThePublicDoor) {
  const Image picture = noise(16, 12, 3);
  Image mask_picture{16, 12, 1, std::vector<uint8_t>(192, 0)};
  mask_picture.pixels[5 * 16 + 5] = 255;
  expect_equal(inpaint_telea(picture, mask_picture, 2),
               fill_telea(picture, image::make_mask(mask_picture), 2));
  expect_error(ErrorCode::usage, "the radius 0 is not between 1 and 100",
               [&] { (void)inpaint_telea(picture, mask_picture, 0); });
  expect_error(ErrorCode::usage, "the radius 101",
               [&] { (void)inpaint_telea(picture, mask_picture, 101); });
  expect_error(ErrorCode::mismatch, "the mask is 12 x 16 pixels and the picture 16 x 12", [&] {
    (void)inpaint_telea(picture, {12, 16, 1, mask_picture.pixels.data()});
  });
  const Image full{16, 12, 1, std::vector<uint8_t>(192, 255)};
  expect_error(ErrorCode::mismatch, "the whole picture",
               [&] { (void)inpaint_telea(picture, full); });
}

}  // namespace
}  // namespace kintsugi::testing
