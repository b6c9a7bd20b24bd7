// SPDX-License-Identifier: MIT
#include "runtime/image/tiles.h"

#include <gtest/gtest.h>

#include <random>

#include "kernels/core/shape.h"

namespace kintsugi::image {
namespace {

/// What every cut has to be: its take inside image and read, margins where neither image ends.
void expect_sound(const Cut& cut, const Extent2d& image, const Margins& m, int64_t stride) {
  const auto [read, take] = cut;
  EXPECT_GE(read.y0, 0);
  EXPECT_GE(read.x0, 0);
  EXPECT_EQ(read.y0 % stride, 0);
  EXPECT_EQ(read.x0 % stride, 0);
  EXPECT_EQ((read.y1 - read.y0) % stride, 0);
  EXPECT_EQ((read.x1 - read.x0) % stride, 0);
  EXPECT_LE(read.y1, round_up(image.height, stride));
  EXPECT_LE(read.x1, round_up(image.width, stride));
  EXPECT_LT(take.y0, take.y1);
  EXPECT_LT(take.x0, take.x1);
  EXPECT_LE(take.y1, image.height);
  EXPECT_LE(take.x1, image.width);
  EXPECT_LE(read.y0, std::max<int64_t>(take.y0 - m.above, 0));
  EXPECT_LE(read.x0, std::max<int64_t>(take.x0 - m.left, 0));
  EXPECT_GE(read.y1, std::min(take.y1 + m.below, image.height));
  EXPECT_GE(read.x1, std::min(take.x1 + m.right, image.width));
}

/// How often each pixel is taken.
std::vector<int> takes(const std::vector<Cut>& cuts, const Extent2d& image) {
  std::vector<int> count(static_cast<size_t>(image.height * image.width));
  for (const Cut& cut : cuts) {
    for (int64_t y = cut.take.y0; y < cut.take.y1; ++y) {
      for (int64_t x = cut.take.x0; x < cut.take.x1; ++x) {
        ++count[static_cast<size_t>(y * image.width + x)];
      }
    }
  }
  return count;
}

TEST(Tiles, CoverTheImageOnceWithTheirMargins) {
  const Margins margins{3, 2, 1, 4};
  for (const int64_t stride : {1, 2, 4}) {
    for (int64_t tile = round_up(6 + stride, stride); tile < 30; tile += stride) {
      for (int64_t extent = 1; extent < 45; ++extent) {
        const Extent2d image{extent, 46 - extent};
        const Extent2d size{std::min(tile, round_up(image.height, stride)),
                            std::min(tile, round_up(image.width, stride))};
        const std::vector<Cut> cuts = tile_cuts(image, size, margins, stride);
        SCOPED_TRACE(std::to_string(extent) + " by tiles of " + std::to_string(tile) + ", stride " +
                     std::to_string(stride));
        for (const Cut& cut : cuts) {
          expect_sound(cut, image, margins, stride);
          EXPECT_EQ(cut.read.y1 - cut.read.y0, size.height);
          EXPECT_EQ(cut.read.x1 - cut.read.x0, size.width);
        }
        EXPECT_EQ(takes(cuts, image), std::vector<int>(takes({}, image).size(), 1));
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Tiles, ThatTheMarginsLeaveNothingToTakeAreRefused) {
  try {
    (void)tile_cuts({100, 100}, {12, 12}, {5, 5, 5, 5}, 4);
    FAIL() << "cut";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_STREQ(error.what(), "a tile of 12 pixels is too small");
    EXPECT_EQ(error.hint(), "the network needs 10 pixels around what a tile makes: at least 16");
  }
  EXPECT_EQ(tile_cuts({100, 8}, {16, 8}, {5, 5, 5, 5}, 4).size(), 22u);
}

Mask mask_of(int64_t height, int64_t width, const std::vector<Box>& holes) {
  Mask mask{height, width, std::vector<uint8_t>(static_cast<size_t>(height * width))};
  for (const Box& box : holes) {
    for (int64_t y = box.y0; y < box.y1; ++y) {
      for (int64_t x = box.x0; x < box.x1; ++x) {
        mask.holes[static_cast<size_t>(y * width + x)] = 1;
      }
    }
  }
  return mask;
}

TEST(Holes, FarApartAreCutApartAndNeighboursTogether) {
  const Margins margins{10, 10, 10, 10};
  const Mask apart = mask_of(400, 600, {{0, 0, 5, 5}, {390, 580, 400, 600}});
  EXPECT_EQ(hole_cuts(apart, margins, 4),
            (std::vector<Cut>{{{0, 0, 16, 16}, {0, 0, 5, 5}},
                              {{380, 568, 400, 600}, {390, 580, 400, 600}}}));
  const Mask near = mask_of(400, 600, {{100, 100, 110, 110}, {112, 108, 120, 130}});
  EXPECT_EQ(hole_cuts(near, margins, 4),
            (std::vector<Cut>{{{88, 88, 132, 140}, {100, 100, 120, 130}}}));
}

TEST(Holes, ThatFillTheImageCutNothing) {
  const Mask full = mask_of(50, 70, {{0, 0, 3, 3}, {47, 67, 50, 70}, {20, 20, 30, 40}});
  EXPECT_EQ(hole_cuts(full, {30, 30, 30, 30}, 4),
            (std::vector<Cut>{{{0, 0, 52, 72}, {0, 0, 50, 70}}}));
  EXPECT_TRUE(hole_cuts(mask_of(50, 70, {}), {1, 1, 1, 1}, 4).empty());
}

TEST(Holes, AreEachInOneTake) {
  std::mt19937 random(7);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random()) % n; };
  for (int trial = 0; trial < 200; ++trial) {
    const Extent2d image{40 + below(300), 40 + below(300)};
    std::vector<Box> holes;
    for (int64_t i = 1 + below(12); i > 0; --i) {
      const int64_t y = below(image.height), x = below(image.width);
      holes.push_back({y, x, std::min(image.height, y + 1 + below(20)),
                       std::min(image.width, x + 1 + below(20))});
    }
    const Mask mask = mask_of(image.height, image.width, holes);
    const Margins margins{below(30), below(30), below(30), below(30)};
    const std::vector<Cut> cuts = hole_cuts(mask, margins, 4);
    for (const Cut& cut : cuts) expect_sound(cut, image, margins, 4);
    const std::vector<int> taken = takes(cuts, image);
    for (size_t i = 0; i < taken.size(); ++i) {
      ASSERT_GE(taken[i], mask.holes[i]) << "trial " << trial;
      ASSERT_LE(taken[i], 1) << "trial " << trial;
    }
  }
}

// Ten thousand specks of a pixel in 24 megapixels.
TEST(Holes, OfManySpecksAreOneCut) {
  Mask mask{4000, 6000, std::vector<uint8_t>(24'000'000)};
  for (size_t i = 0; i < 10'000; ++i) mask.holes[i * 2399 + 17] = 1;
  EXPECT_EQ(hole_cuts(mask, {150, 150, 150, 150}, 4).size(), 1u);
}

}  // namespace
}  // namespace kintsugi::image
