// SPDX-License-Identifier: MIT
#include "kernels/resample/resample.h"

#include "tests/kernels/support.h"

namespace kintsugi::resample {
namespace {

using test::close;
using test::Random;
using test::same_bits;
using test::Tensor;

TEST(ResampleShape, IsTheSizeAskedFor) {
  EXPECT_EQ(output_shape({.size = {7, 9}}, {2, 3, 4, 5}), (Shape{2, 3, 7, 9}));
  EXPECT_EQ(test::error_of([] {
              (void)output_shape({.size = {0, 4}}, {1, 3, 4, 4});
            }),
            "resample nearest to 0x4: the size must be positive");
  EXPECT_EQ(
      test::error_of([] {
        (void)output_shape({.size = 4, .align_corners = true}, {1, 3, 4, 4});
      }),
      "resample nearest to 4x4, corners aligned: corners can be aligned in bilinear mode only");
  EXPECT_NE(test::error_of([] { (void)output_shape({.size = 4}, {1, 3, 0, 4}); }), "");
  EXPECT_NE(test::error_of([] { (void)output_shape({.size = 4}, {3, 4, 4}); }), "");
}

TEST(ResampleCost, CountsBothPictures) {
  EXPECT_EQ(flops({.size = 8}, {1, 3, 4, 4}), 0);
  EXPECT_EQ(flops({.size = 8, .mode = Mode::bilinear}, {1, 3, 4, 4}), 9 * 3 * 64);
  EXPECT_EQ(bytes({.size = 8}, {1, 3, 4, 4}, 2), 2 * (3 * 16 + 3 * 64));
}

std::vector<float> row_of(const Desc& desc, const Tensor<float>& input) {
  Tensor<float> output(output_shape(desc, input.shape()));
  reference<float>(desc, {input.view(), output.view()}, test::threads());
  std::vector<float> out;
  for (int64_t y = 0; y < desc.size.h; ++y) {
    for (int64_t x = 0; x < desc.size.w; ++x) out.push_back(output.view().at(0, 0, y, x));
  }
  return out;
}

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 5e-7) << i;
}

TEST(ResampleReference, ComputesWhatPyTorchComputes) {
  // A picture of 2x3 and what PyTorch 1.13 makes of it at 3x5.
  const float picture[2][3] = {{1, -2, 4}, {0.5f, 3, -1}};
  Tensor<float> input({1, 1, 2, 3});
  input.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
    v = c == 0 ? picture[y][x] : 0.0f;
  });
  EXPECT_EQ(row_of({.size = {3, 5}}, input),
            (std::vector<float>{1, 1, -2, -2, 4, 1, 1, -2, -2, 4, 0.5f, 0.5f, 3, 3, -1}));
  expect_near(
      row_of({.size = {3, 5}, .mode = Mode::bilinear}, input),
      {1.0f, -0.200000107f, -1.99999964f, 1.6000005f, 4.0f, 0.75f, 0.649999976f, 0.50000006f,
       1.10000014f, 1.5f, 0.5f, 1.50000012f, 2.99999952f, 0.599999666f, -1.0f});
  expect_near(row_of({.size = {3, 5}, .mode = Mode::bilinear, .align_corners = true}, input),
              {1, -0.5f, -2, 1, 4, 0.75f, 0.625f, 0.5f, 1, 1.5f, 0.5f, 1.75f, 3, 1, -1});
}

TEST(ResampleReference, NearestRoundsItsScaleAsPyTorch) {
  // 23 * 14 / 46 is 7; in float it is less, and PyTorch takes pixel 6. Likewise the others.
  const auto pixel = [](int64_t i, int64_t in, int64_t out) {
    const Place p = place({.size = out}, i, in, out);
    EXPECT_EQ(p.first, p.second);
    EXPECT_EQ(p.share, 0);
    return p.first;
  };
  EXPECT_EQ(pixel(23, 14, 46), 6);
  EXPECT_EQ(pixel(11, 26, 22), 12);
  EXPECT_EQ(pixel(22, 39, 33), 25);
  EXPECT_EQ(pixel(45, 14, 46), 13);
  for (int64_t i = 0; i < 30; ++i) {
    EXPECT_EQ(pixel(i, 15, 30), i / 2);
    EXPECT_EQ(pixel(i, 30, 30), i);
  }
}

}  // namespace
}  // namespace kintsugi::resample
