// SPDX-License-Identifier: MIT
//
// The resampler against numbers worked out by hand and against its definition in plain loops.
#include "runtime/image/resize.h"

#include <cmath>

#include "tests/image/support.h"

namespace kintsugi::testing {
namespace {

using image::Extent2d;
using image::FloatImage;
using image::limited_extent;
using image::resize;

FloatImage row(std::vector<float> values) {
  const auto width = std::ssize(values);
  return {width, 1, 1, std::move(values)};
}

void expect_near(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-6F) << i;
}

TEST(Resize, EnlargesLinearlyWithAlignedCorners) {
  // Positions i * (3 - 1) / (5 - 1): 0, 0.5, 1, 1.5, and the last sample copied.
  expect_near(resize(row({0, 10, 40}), {1, 5}).values, {0, 5, 10, 25, 40});
  // Positions i * 1/3.
  expect_near(resize(row({0, 3}), {1, 4}).values, {0, 1, 2, 3});
  expect_near(resize(row({7}), {1, 3}).values, {7, 7, 7});
}

TEST(Resize, ShrinksByBoxAverage) {
  expect_near(resize(row({1, 3, 5, 7}), {1, 2}).values, {2, 6});
  // Boxes of 5/3: [0, 1.667) [1.667, 3.333) [3.333, 5).
  expect_near(resize(row({3, 6, 9, 12, 15}), {1, 3}).values,
              {(3 + 6 * 2.0F / 3) / (5.0F / 3), (6 / 3.0F + 9 + 12 / 3.0F) / (5.0F / 3),
               (12 * 2.0F / 3 + 15) / (5.0F / 3)});
  // Boxes of 1.5: the last one ends on a sample's edge.
  expect_near(resize(row({2, 4, 6}), {1, 2}).values, {(2 + 2) / 1.5F, (2 + 6) / 1.5F});
  expect_near(resize(row({1, 2, 3, 4, 5}), {1, 1}).values, {3});
}

TEST(Resize, EqualLengthIsACopyAndAxesAreIndependent) {
  const Image image = noise(6, 4, 3);
  const FloatImage same = resize(image, {4, 6});
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    EXPECT_EQ(same.values[i], static_cast<float>(image.pixels[i]) / 255.0F);
  }
  expect_equal(image::resize_picture(image, {4, 6}), image);
  // Columns shrink while rows grow.
  const FloatImage mixed = resize(FloatImage{4, 2, 1, {0, 2, 4, 6, 10, 12, 14, 16}}, {3, 2});
  expect_near(mixed.values, {1, 5, 6, 10, 11, 15});
  // Channels stay apart.
  const FloatImage pair = resize(FloatImage{2, 1, 2, {0, 100, 1, 200}}, {1, 3});
  expect_near(pair.values, {0, 100, 0.5F, 150, 1, 200});
}

/// One axis as torch/image defines it, in double and without cleverness.
std::vector<double> resample(const std::vector<double>& source, int64_t target) {
  const auto length = std::ssize(source);
  const auto at = [&source](int64_t i) { return source[static_cast<size_t>(i)]; };
  std::vector<double> result;
  for (int64_t i = 0; i < target; ++i) {
    if (target == length) {
      result.push_back(at(i));
    } else if (target > length) {
      if (i == target - 1) {
        result.push_back(source.back());
        continue;
      }
      const double position = static_cast<double>(i) * static_cast<double>(length - 1) /
                              static_cast<double>(target - 1);
      const auto low = static_cast<int64_t>(position);
      const double part = position - static_cast<double>(low);
      result.push_back(at(low) + part * (at(std::min(low + 1, length - 1)) - at(low)));
    } else {
      const double scale = static_cast<double>(length) / static_cast<double>(target);
      const double begin = static_cast<double>(i) * scale;
      const double end = begin + scale;
      double sum = 0;
      double weight = 0;
      for (int64_t j = 0; j < length; ++j) {
        const double covered =
            std::min(end, static_cast<double>(j + 1)) - std::max(begin, static_cast<double>(j));
        if (covered <= 0) continue;
        sum += covered * at(j);
        weight += covered;
      }
      result.push_back(sum / weight);
    }
  }
  return result;
}

TEST(Resize, EqualsItsDefinitionAtManyExtents) {
  for (const Extent2d source : {Extent2d{1, 1}, {2, 7}, {13, 5}, {31, 24}, {64, 97}}) {
    const Image image = noise(source.width, source.height, 1);
    for (const Extent2d target : {Extent2d{1, 1}, {3, 11}, {12, 4}, {31, 24}, {100, 60}}) {
      std::vector<std::vector<double>> rows;
      for (int64_t y = 0; y < source.height; ++y) {
        std::vector<double> values;
        for (int64_t x = 0; x < source.width; ++x) {
          values.push_back(image.pixels[static_cast<size_t>(y * source.width + x)] / 255.0);
        }
        rows.push_back(resample(values, target.width));
      }
      const FloatImage found = resize(image, target);
      for (int64_t x = 0; x < target.width; ++x) {
        std::vector<double> column;
        for (const auto& values : rows) column.push_back(values[static_cast<size_t>(x)]);
        column = resample(column, target.height);
        for (int64_t y = 0; y < target.height; ++y) {
          EXPECT_NEAR(found.values[static_cast<size_t>(y * target.width + x)],
                      column[static_cast<size_t>(y)], 2e-6);
        }
      }
    }
  }
}

TEST(Resize, LimitsTheLongerSide) {
  EXPECT_EQ(limited_extent({480, 640}, 0), (Extent2d{480, 640}));
  EXPECT_EQ(limited_extent({480, 640}, 640), (Extent2d{480, 640}));
  EXPECT_EQ(limited_extent({480, 640}, 600), (Extent2d{450, 600}));
  EXPECT_EQ(limited_extent({1000, 333}, 600), (Extent2d{600, 200}));  // 199.8
  EXPECT_EQ(limited_extent({5000, 1}, 100), (Extent2d{100, 1}));
}

TEST(Resize, RefusesNothingToScale) {
  expect_error(ErrorCode::usage, "an extent of zero", [] {
    (void)image::resize_picture(gradient(2, 2, 3), {0, 5});
  });
}

}  // namespace
}  // namespace kintsugi::testing
