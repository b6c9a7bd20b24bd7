// SPDX-License-Identifier: MIT
//
// White = hole, from a fifth of white upward, after scaling.
#include "runtime/image/mask.h"

#include "runtime/image/side_by_side.h"
#include "tests/image/support.h"

namespace kintsugi::testing {
namespace {

using image::Box;
using image::make_mask;
using image::Mask;

Image pixel(std::vector<uint8_t> values) {
  const auto channels = std::ssize(values);
  return {1, 1, channels, std::move(values)};
}

TEST(Mask, ThresholdIsAFifthOfWhite) {
  // 51 / 255 is 0.2 and counts, whatever the channels say it with.
  EXPECT_EQ(make_mask(pixel({50})).count(), 0);
  EXPECT_EQ(make_mask(pixel({51})).count(), 1);
  EXPECT_EQ(make_mask(pixel({50, 50, 50})).count(), 0);
  EXPECT_EQ(make_mask(pixel({51, 51, 51})).count(), 1);
}

TEST(Mask, OfSixteenBitsMeansTheSame) {
  const auto count = [](int32_t value, bool invert) {
    return make_mask(of_16_bits(1, 1, 1, {value}), {.invert = invert, .target = {}}).count();
  };
  EXPECT_EQ(count(13106, false), 0);  // 13107 / 65535 is 0.2
  EXPECT_EQ(count(13107, false), 1);
  EXPECT_EQ(count(52428, true), 1);
  EXPECT_EQ(count(52429, true), 0);
  EXPECT_EQ(make_mask(of_16_bits(1, 1, 3, {13107, 13107, 13107})).count(), 1);
  const Image narrow = noise(31, 17, 3);
  for (const image::Extent2d target : {image::Extent2d{}, image::Extent2d{9, 40}}) {
    EXPECT_EQ(make_mask(widened(narrow), {.target = target}).holes,
              make_mask(narrow, {.target = target}).holes);
  }
}

TEST(Mask, ColourBecomesLumaAndAlphaIsDropped) {
  EXPECT_EQ(make_mask(pixel({255, 0, 0})).count(), 1);  // 0.299
  EXPECT_EQ(make_mask(pixel({0, 255, 0})).count(), 1);  // 0.587
  EXPECT_EQ(make_mask(pixel({0, 0, 255})).count(), 0);  // 0.114
  EXPECT_EQ(make_mask(pixel({170, 0, 0})).count(), 0);  // 0.1993
  EXPECT_EQ(make_mask(pixel({171, 0, 0})).count(), 1);  // 0.2005
  EXPECT_EQ(make_mask(pixel({255, 0})).count(), 1);     // white, transparent
  EXPECT_EQ(make_mask(pixel({0, 255})).count(), 0);
  EXPECT_EQ(make_mask(pixel({0, 0, 0, 255})).count(), 0);
  EXPECT_EQ(make_mask(pixel({255, 255, 255, 0})).count(), 1);
}

TEST(Mask, InvertMakesBlackTheHole) {
  EXPECT_EQ(make_mask(pixel({0}), {.invert = true, .target = {}}).count(), 1);
  EXPECT_EQ(make_mask(pixel({255}), {.invert = true, .target = {}}).count(), 0);
  EXPECT_EQ(make_mask(pixel({204}), {.invert = true, .target = {}}).count(), 1);  // 1 - 0.8
  EXPECT_EQ(make_mask(pixel({205}), {.invert = true, .target = {}}).count(), 0);
}

TEST(Mask, ThresholdComesAfterScaling) {
  // One white pixel of four is 0.25, of six 0.167: cut before scaling both would be holes.
  const Image quarter{4, 1, 1, {255, 0, 0, 0}};
  EXPECT_EQ(make_mask(quarter, {.invert = false, .target = {1, 1}}).count(), 1);
  const Image sixth{6, 1, 1, {255, 0, 0, 0, 0, 0}};
  EXPECT_EQ(make_mask(sixth, {.invert = false, .target = {1, 1}}).count(), 0);
  // Enlarged linearly from black to white over 11 samples: 0, 0.1, then 0.2 and above.
  const Image edge{2, 1, 1, {0, 255}};
  const Mask wide = make_mask(edge, {.invert = false, .target = {1, 11}});
  EXPECT_EQ(wide.count(), 9);
  EXPECT_TRUE(wide.at(0, 2));
}

TEST(Mask, FractionAndBox) {
  Image picture{8, 5, 1, std::vector<uint8_t>(40, 0)};
  EXPECT_EQ(make_mask(picture).fraction(), 0);
  EXPECT_TRUE(make_mask(picture).bounding_box().empty());
  picture.pixels[1 * 8 + 6] = 255;
  picture.pixels[3 * 8 + 2] = 255;
  const Mask mask = make_mask(picture);
  EXPECT_DOUBLE_EQ(mask.fraction(), 0.05);
  EXPECT_EQ(mask.bounding_box(), (Box{.y0 = 1, .x0 = 2, .y1 = 4, .x1 = 7}));
  picture.pixels.assign(40, 255);
  EXPECT_EQ(make_mask(picture).fraction(), 1);
  EXPECT_EQ(make_mask(picture).bounding_box(), (Box{.y0 = 0, .x0 = 0, .y1 = 5, .x1 = 8}));
}

TEST(SideBySide, WidensChannelsAndLeavesAWhiteGap) {
  const Image grey{1, 2, 1, {10, 20}};
  const Image colour{2, 2, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
  const Image clear{1, 2, 4, {9, 9, 9, 0, 8, 8, 8, 128}};
  const std::array<ImageView, 2> two = {grey, colour};
  const Image joined = image::side_by_side(two, 1);
  expect_equal(joined, Image{4, 2, 3, {10, 10, 10, 255, 255, 255, 1, 2, 3, 4,  5,  6,
                                       20, 20, 20, 255, 255, 255, 7, 8, 9, 10, 11, 12}});
  const std::array<ImageView, 2> with_alpha = {grey, clear};
  expect_equal(image::side_by_side(with_alpha, 0),
               Image{2, 2, 4, {10, 10, 10, 255, 9, 9, 9, 0, 20, 20, 20, 255, 8, 8, 8, 128}});
  const std::array<ImageView, 2> greys = {grey, grey};
  EXPECT_EQ(image::side_by_side(greys).channels, 1);
  const Image tall{1, 3, 1, {1, 2, 3}};
  const std::array<ImageView, 2> uneven = {grey, tall};
  expect_error(ErrorCode::mismatch, "pictures of 2 and 3 rows cannot stand side by side",
               [&] { (void)image::side_by_side(uneven); });
  expect_error(ErrorCode::usage, "at least one picture", [] { (void)image::side_by_side({}); });
}

}  // namespace
}  // namespace kintsugi::testing
