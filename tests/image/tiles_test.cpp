// SPDX-License-Identifier: MIT
//
// Cuts of many small images and random masks: what they promise, box by box.
#include "runtime/image/tiles.h"

#include <algorithm>

#include "tests/image/support.h"

namespace kintsugi::testing {
namespace {

using image::Box;
using image::Cut;
using image::Extent2d;
using image::fade;
using image::Grid;
using image::hole_cuts;
using image::Margins;
using image::Mask;
using image::tile_cuts;

std::string text(const Box& b) {
  return "[" + std::to_string(b.y0) + " " + std::to_string(b.x0) + " " + std::to_string(b.y1) +
         " " + std::to_string(b.x1) + "]";
}
std::string text(const Cut& cut) { return "read " + text(cut.read) + " take " + text(cut.take); }
std::string text(const std::vector<Cut>& cuts) {
  std::string all;
  for (const Cut& cut : cuts) all += text(cut) + "\n";
  return all;
}

/// One axis of a cut: what every kind of cut promises. `whole` is the extent as the network reads it.
void check_axis(int64_t read_begin, int64_t read_end, int64_t begin, int64_t end, int64_t extent,
                int64_t before, int64_t after, int64_t stride, int64_t multiple) {
  const int64_t whole = round_up(extent, multiple);
  EXPECT_EQ(read_begin % stride, 0);
  EXPECT_EQ((read_end - read_begin) % multiple, 0);
  EXPECT_GE(read_begin, 0);
  EXPECT_LE(read_end, whole);
  EXPECT_LT(begin, end);
  EXPECT_LE(end, extent);
  EXPECT_GE(begin, read_begin == 0 ? 0 : read_begin + before);
  EXPECT_LE(end, read_end == whole ? extent : read_end - after);
}
void check(const Cut& cut, Extent2d image, const Margins& m, const Grid& grid) {
  check_axis(cut.read.y0, cut.read.y1, cut.take.y0, cut.take.y1, image.height, m.top, m.bottom,
             grid.stride.h, grid.multiple.h);
  check_axis(cut.read.x0, cut.read.x1, cut.take.x0, cut.take.x1, image.width, m.left, m.right,
             grid.stride.w, grid.multiple.w);
}

/// How many takes each pixel is in.
std::vector<int> counts(const std::vector<Cut>& cuts, Extent2d image) {
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

/// Of one axis: cuts, or the least extent that a refusal names.
struct Outcome {
  std::vector<Cut> cuts;
  int64_t least = 0;
};
Outcome along_height(int64_t extent, int64_t tile, const Margins& m, const Grid& grid) {
  try {
    return {tile_cuts({extent, 1}, {tile, 8}, m, grid)};
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    const std::string sentence = error.what();
    return {{}, std::stoll(sentence.substr(sentence.rfind(' ') + 1))};
  }
}

TEST(TileCuts, KeepTheirPromisesForEverySmallAxis) {
  int64_t cut = 0, refused = 0;
  for (const auto& [stride, multiple] :
       {std::pair<int64_t, int64_t>{1, 1}, {2, 2}, {1, 4}, {4, 1}, {4, 4}, {2, 3}, {2, 8}}) {
    const Grid grid{.stride = {stride, 1}, .multiple = {multiple, 1}};
    for (int64_t before = 0; before <= 5; ++before) {
      for (int64_t after = 0; after <= 4; after += 2) {
        const Margins margins{.top = before, .bottom = after};
        for (int64_t extent = 1; extent <= 41; ++extent) {
          for (int64_t tile = 1; tile <= 30; ++tile) {
            const Outcome got = along_height(extent, tile, margins, grid);
            if (got.cuts.empty()) {
              ++refused;
              // The extent that the refusal names is enough, and one less is not.
              EXPECT_GT(got.least, tile);
              EXPECT_FALSE(along_height(extent, got.least, margins, grid).cuts.empty());
              EXPECT_TRUE(along_height(extent, got.least - 1, margins, grid).cuts.empty());
              continue;
            }
            ++cut;
            const int64_t whole = round_up(extent, multiple);
            if (whole <= tile) {
              EXPECT_EQ(text(got.cuts),
                        text(std::vector<Cut>{{{0, 0, whole, 1}, {0, 0, extent, 1}}}));
            }
            int64_t taken = 0;
            for (const Cut& c : got.cuts) {
              check(c, {extent, 1}, margins, grid);
              EXPECT_EQ(c.read.y1 - c.read.y0, got.cuts[0].read.y1);
              EXPECT_LE(c.read.y1 - c.read.y0, tile);
              EXPECT_EQ(c.take.y0, taken);  // disjoint, and nothing left out
              taken = c.take.y1;
            }
            EXPECT_EQ(taken, extent);
            if (HasFailure()) FAIL() << extent << " in tiles of " << tile << "\n" << text(got.cuts);
          }
        }
      }
    }
  }
  EXPECT_GT(cut, 50000);
  EXPECT_GT(refused, 10000);
}

TEST(TileCuts, OfBothAxesCoverTheImageOnce) {
  const Margins margins{.top = 3, .bottom = 2, .left = 1, .right = 4};
  const Grid grid{.stride = {4, 2}, .multiple = {4, 2}};
  for (const Extent2d image : {Extent2d{37, 50}, {16, 90}, {61, 16}, {20, 20}, {8, 5}}) {
    const std::vector<Cut> cuts = tile_cuts(image, {20, 18}, margins, grid);
    for (const Cut& cut : cuts) {
      check(cut, image, margins, grid);
      EXPECT_EQ(cut.read.y1 - cut.read.y0, cuts[0].read.y1);
      EXPECT_EQ(cut.read.x1 - cut.read.x0, cuts[0].read.x1);
    }
    EXPECT_EQ(counts(cuts, image),
              std::vector<int>(static_cast<size_t>(image.height * image.width), 1));
  }
}

TEST(TileCuts, AreSpreadEvenly) {
  const std::vector<Cut> cuts =
      tile_cuts({20, 100}, {20, 48}, {.left = 8, .right = 8}, {.stride = 4, .multiple = 4});
  EXPECT_EQ(text(cuts),
            "read [0 0 20 48] take [0 0 20 36]\n"
            "read [0 24 20 72] take [0 36 20 62]\n"
            "read [0 52 20 100] take [0 62 20 100]\n");
}

TEST(TileCuts, SayTheSmallestTile) {
  const Margins margins{.top = 153, .bottom = 150, .left = 153, .right = 150};
  const Grid grid{.stride = 4, .multiple = 4};
  expect_error(
      ErrorCode::usage,
      "tiles of 256 pixels are too small in height: with the 153 and 150 pixels that the "
      "network needs before and after what it makes, a tile of this image has at least 308",
      [&] {
        (void)tile_cuts({2000, 256}, {256, 256}, margins, grid);
      });
  expect_error(ErrorCode::usage, "too small in width", [&] {
    (void)tile_cuts({256, 2000}, {256, 256}, margins, grid);
  });
  EXPECT_EQ(std::ssize(tile_cuts({2000, 256}, {308, 256}, margins, grid)), 424);
}

Mask no_holes(int64_t height, int64_t width) {
  return {height, width, std::vector<uint8_t>(static_cast<size_t>(height * width))};
}
void put(Mask& mask, const Box& box) {
  for (int64_t y = box.y0; y < box.y1; ++y) {
    for (int64_t x = box.x0; x < box.x1; ++x) {
      mask.holes[static_cast<size_t>(y * mask.width + x)] = 1;
    }
  }
}
Mask with(int64_t height, int64_t width, const std::vector<Box>& holes) {
  Mask mask = no_holes(height, width);
  for (const Box& box : holes) put(mask, box);
  return mask;
}

int64_t area(const Box& box) { return (box.y1 - box.y0) * (box.x1 - box.x0); }

TEST(HoleCuts, KeepTheirPromisesForRandomMasks) {
  std::mt19937 random(3);
  const auto pick = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % static_cast<uint32_t>(high - low + 1));
  };
  int several = 0, whole = 0;
  for (int round = 0; round < 400; ++round) {
    const Extent2d image{pick(1, 300), pick(1, 300)};
    const Margins margins{pick(0, 20), pick(0, 20), pick(0, 20), pick(0, 20)};
    const int64_t multiple = int64_t{1} << pick(0, 3);
    const Grid grid{.stride = pick(0, 1) == 0 ? multiple : 3, .multiple = {multiple, 4}};
    Mask mask = no_holes(image.height, image.width);
    for (int64_t hole = pick(0, 12); hole > 0; --hole) {
      const int64_t y = pick(0, image.height - 1), x = pick(0, image.width - 1);
      put(mask,
          {y, x, std::min(y + pick(1, 30), image.height), std::min(x + pick(1, 30), image.width)});
    }
    const std::vector<Cut> cuts = hole_cuts(mask, margins, grid);
    int64_t read = 0;
    for (const Cut& cut : cuts) {
      check(cut, image, margins, grid);
      read += area(cut.read);
    }
    const std::vector<int> count = counts(cuts, image);
    for (size_t i = 0; i < count.size(); ++i) {
      EXPECT_LE(count[i], 1);
      EXPECT_GE(count[i], mask.holes[i]);
    }
    // The takes are as small as their holes allow.
    for (const Cut& cut : cuts) {
      Mask part = mask;
      for (int64_t y = 0; y < image.height; ++y) {
        for (int64_t x = 0; x < image.width; ++x) {
          if (y < cut.take.y0 || y >= cut.take.y1 || x < cut.take.x0 || x >= cut.take.x1) {
            part.holes[static_cast<size_t>(y * image.width + x)] = 0;
          }
        }
      }
      EXPECT_EQ(text(part.bounding_box()), text(cut.take));
    }
    const int64_t all = round_up(image.height, grid.multiple.h) * round_up(image.width, 4);
    EXPECT_LE(read, all);
    EXPECT_EQ(cuts.empty(), mask.count() == 0);
    several += cuts.size() > 1 ? 1 : 0;
    whole += read == all ? 1 : 0;
    EXPECT_EQ(text(hole_cuts(mask, margins, grid)), text(cuts));
    if (HasFailure()) FAIL() << "round " << round << "\n" << text(cuts);
  }
  EXPECT_GT(several, 100);
  EXPECT_GT(whole, 20);
}

TEST(HoleCuts, ReachTheBordersFromCornersAndEdges) {
  const Margins margins{.top = 5, .bottom = 6, .left = 7, .right = 8};
  const Grid grid{.stride = 4, .multiple = 4};
  const Mask mask = with(203, 301, {{0, 0, 1, 1}, {202, 300, 203, 301}, {100, 298, 102, 300}});
  EXPECT_EQ(text(hole_cuts(mask, margins, grid)),
            "read [0 0 8 12] take [0 0 1 1]\n"
            "read [92 288 108 304] take [100 298 102 300]\n"
            "read [196 292 204 304] take [202 300 203 301]\n");
}

TEST(HoleCuts, ShareACutWhereItReadsFewerPixels) {
  const Margins margins{10, 10, 10, 10};
  const auto cuts_of = [&](const std::vector<Box>& holes) {
    return text(hole_cuts(with(200, 400, holes), margins, {}));
  };
  // Side by side: 32 x 40 is less than twice 26 x 26.
  EXPECT_EQ(cuts_of({{50, 50, 56, 56}, {50, 64, 56, 70}}),
            "read [40 40 66 80] take [50 50 56 70]\n");
  // As far apart that their margins touch no more.
  EXPECT_EQ(cuts_of({{50, 50, 56, 56}, {50, 76, 56, 82}}),
            "read [40 40 66 66] take [50 50 56 56]\n"
            "read [40 66 66 92] take [50 76 56 82]\n");
  // Corner to corner a shared cut would read 44 x 44, which is more than twice 26 x 26.
  EXPECT_EQ(cuts_of({{50, 50, 56, 56}, {68, 68, 74, 74}}),
            "read [40 40 66 66] take [50 50 56 56]\n"
            "read [58 58 84 84] take [68 68 74 74]\n");
  // Boxes that meet share one whatever it costs: a hole in the corner of an angle.
  EXPECT_EQ(
      text(hole_cuts(with(200, 400, {{64, 64, 68, 128}, {64, 64, 128, 68}, {126, 126, 127, 127}}),
                     {1, 1, 1, 1}, {})),
      "read [63 63 129 129] take [64 64 128 128]\n");
}

TEST(HoleCuts, AreTheWholeImageWhereTheyWouldReadAsMuch) {
  const auto pixel = [](int64_t y, int64_t x) { return Box{y, x, y + 1, x + 1}; };
  const Margins margins{34, 34, 34, 34};
  // No two of three groups would share a cut, and all three read 11049 pixels of 10000.
  const Mask mask =
      with(100, 100, {pixel(90, 48), pixel(89, 26), pixel(10, 10), pixel(38, 79), pixel(71, 40)});
  EXPECT_EQ(text(hole_cuts(mask, margins, {})), "read [0 0 100 100] take [10 10 91 80]\n");
  EXPECT_EQ(text(hole_cuts(mask, margins, {.stride = 8, .multiple = 8})),
            "read [0 0 104 104] take [10 10 91 80]\n");
  EXPECT_TRUE(hole_cuts(no_holes(100, 100), margins, {}).empty());
}

/// Specks on an image of 24 megapixels. Comparing every speck with every other would be 10^8 comparisons a
/// pass; the grouping starts from blocks.
TEST(HoleCuts, OfTenThousandSpecksKeepTheirPromises) {
  std::mt19937 random(5);
  Mask mask = no_holes(4000, 6000);
  for (int i = 0; i < 10000; ++i) {
    mask.holes[random() % mask.holes.size()] = 1;
  }
  for (const int64_t margin : {2, 20, 150}) {
    const Margins margins{margin, margin, margin, margin};
    const std::vector<Cut> cuts = hole_cuts(mask, margins, {.stride = 4, .multiple = 4});
    const std::vector<int> count = counts(cuts, {4000, 6000});
    int64_t missed = 0, twice = 0;
    for (size_t i = 0; i < count.size(); ++i) {
      missed += mask.holes[i] != 0 && count[i] == 0 ? 1 : 0;
      twice += count[i] > 1 ? 1 : 0;
    }
    EXPECT_EQ(missed, 0);
    EXPECT_EQ(twice, 0);
    EXPECT_EQ(cuts.size() == 1, margin == 150);
  }
}

TEST(Fade, SumsToOneOverAnOverlap) {
  for (int64_t overlap = 0; overlap <= 9; ++overlap) {
    const std::vector<float> first = fade(20, 0, overlap), second = fade(20, overlap, 0);
    for (int64_t i = 0; i < 20; ++i) {
      const auto at = static_cast<size_t>(i);
      if (i < 20 - overlap) {
        EXPECT_EQ(first[at], 1.0F);
      } else {
        EXPECT_NEAR(first[at] + second[static_cast<size_t>(i - (20 - overlap))], 1.0F, 1e-6F);
      }
      EXPECT_EQ(second[static_cast<size_t>(19 - i)], first[at]);
      EXPECT_GT(first[at], 0.0F);
    }
  }
  EXPECT_EQ(fade(4, 4, 0), (std::vector<float>{0.125F, 0.375F, 0.625F, 0.875F}));
  // Overlaps that meet: the lower of both.
  EXPECT_EQ(fade(4, 4, 4), (std::vector<float>{0.125F, 0.375F, 0.375F, 0.125F}));
}

/// Tiles of tile_cuts, blended: every pixel has a weight, and a constant image stays one.
TEST(Fade, OverTilesCoversTheImage) {
  const Extent2d image{50, 70};
  const std::vector<Cut> cuts =
      tile_cuts(image, {24, 32}, {.top = 4, .bottom = 4, .left = 4, .right = 4},
                {.stride = 4, .multiple = 4});
  std::vector<float> sum(static_cast<size_t>(image.height * image.width));
  for (const Cut& c : cuts) {
    const std::vector<float> down =
        fade(c.read.y1 - c.read.y0, 2 * (c.take.y0 - c.read.y0), 2 * (c.read.y1 - c.take.y1));
    const std::vector<float> across =
        fade(c.read.x1 - c.read.x0, 2 * (c.take.x0 - c.read.x0), 2 * (c.read.x1 - c.take.x1));
    for (int64_t y = c.read.y0; y < std::min(c.read.y1, image.height); ++y) {
      for (int64_t x = c.read.x0; x < std::min(c.read.x1, image.width); ++x) {
        sum[static_cast<size_t>(y * image.width + x)] +=
            down[static_cast<size_t>(y - c.read.y0)] * across[static_cast<size_t>(x - c.read.x0)];
      }
    }
  }
  EXPECT_GT(*std::ranges::min_element(sum), 0.0F);
}

}  // namespace
}  // namespace kintsugi::testing
