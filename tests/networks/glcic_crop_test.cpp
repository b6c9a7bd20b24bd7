// SPDX-License-Identifier: MIT
//
// A hole needs what is around it, and nothing else: cut out with the network's field as its margin, it is
// filled with the bits of the whole image. So are tiles.
#include "tests/networks/support.h"

namespace kintsugi {
namespace {

using test::model;

constexpr int64_t kWidth = 480, kHeight = 242;

struct Hole {
  int64_t x, y, width, height;
};
Image mask_of(const std::vector<Hole>& holes) {
  Image mask{kWidth, kHeight, 1, std::vector<uint8_t>(kWidth * kHeight)};
  for (const Hole& hole : holes) {
    for (int64_t y = hole.y; y < hole.y + hole.height; ++y) {
      std::fill_n(mask.pixels.begin() + y * kWidth + hole.x, hole.width, uint8_t{255});
    }
  }
  return mask;
}

const std::vector<std::vector<Hole>> kHoles = {
    {{0, 0, 9, 13}, {kWidth - 7, kHeight - 5, 7, 5}},         // corners, far apart
    {{201, kHeight - 6, 11, 6}, {214, kHeight - 21, 8, 15}},  // an edge; two that share a cut
};

struct Difference {
  int64_t bytes = 0, most = 0;
};
Difference difference(const Image& a, const Image& b) {
  Difference found;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    const int64_t by = std::abs(int64_t{a.pixels[i]} - b.pixels[i]);
    found.bytes += by > 0 ? 1 : 0;
    found.most = std::max(found.most, by);
  }
  return found;
}

void expect_equal_bits(const Model& m, const std::string& device) {
  const Image photo = test::random_picture(kWidth, kHeight, 3);
  for (const std::vector<Hole>& holes : kHoles) {
    const Image mask = mask_of(holes);
    Session cut = m.session({.device = device}), whole = m.session({.device = device});
    const Image right =
        whole.inpaint(photo, mask, {.crop = {.enabled = false}, .without = {"winograd"}});
    EXPECT_NE(right.pixels, photo.pixels);
    EXPECT_EQ(cut.inpaint(photo, mask, {.without = {"winograd"}}).pixels, right.pixels) << device;
    EXPECT_LT(cut.peak_allocated_bytes(), whole.peak_allocated_bytes()) << "nothing was cut";
    if (device != "cpu") continue;
    EXPECT_EQ(cut.inpaint(photo, mask, {.tiles = {.size = 344}, .without = {"winograd"}}).pixels,
              right.pixels);
  }
}

TEST(Crop, FillsHolesWithTheBitsOfTheWholeImage) {
  const Model official = model();
  expect_equal_bits(official, "cpu");
  expect_equal_bits(official, "reference");
  expect_equal_bits(Model::open(test::kData / "glcic_otenim_k8.safetensors"), "cpu");
}

TEST(Crop, WithWinogradIsWithinAByte) {
  const Model m = model();
  const Image photo = test::random_picture(kWidth, kHeight, 3);
  Session session = m.session({.device = "cpu"});
  int64_t filled = 0;
  Difference all;
  for (const std::vector<Hole>& holes : kHoles) {
    const Image mask = mask_of(holes);
    const Image whole = session.inpaint(photo, mask, {.crop = {.enabled = false}});
    const Image cut = session.inpaint(photo, mask);
    EXPECT_EQ(session.inpaint(photo, mask).pixels, cut.pixels) << "the same crop, other bits";
    const Difference found = difference(cut, whole);
    all.bytes += found.bytes;
    all.most = std::max(all.most, found.most);
    for (const Hole& hole : holes) filled += 3 * hole.width * hole.height;
  }
  EXPECT_LE(all.most, 1);
  EXPECT_LE(1000 * all.bytes, filled);
}

/// Columns x0 to x1 of a tensor.
Tensor columns(const Tensor& t, int64_t x0, int64_t x1) {
  Tensor part{{t.shape.n(), t.shape.c(), t.shape.h(), x1 - x0}, {}};
  for (int64_t row = 0; row < t.shape.n() * t.shape.c() * t.shape.h(); ++row) {
    const auto begin = t.values.begin() + row * t.shape.w();
    part.values.insert(part.values.end(), begin + x0, begin + x1);
  }
  return part;
}

TEST(Crop, NumbersOfACutAreThoseOfTheWholeWithin1e5) {
  const Model m = model();
  Session session = m.session({.device = "cpu"});
  const Tensor input = test::random_input(1, 160, 480);
  const Tensor whole = session.run({{"input", input}}).at("output");
  const Tensor cut = session.run({{"input", columns(input, 20, 344)}}).at("output");
  const PlanSummary plan = m.plan({.height = 160, .width = 324});
  EXPECT_EQ(plan.tolerance, 1e-4) << "Winograd's form is to be used";
  EXPECT_LT(test::relative_l2(columns(cut, 153, 174), columns(whole, 173, 194)), 1e-5);
}

TEST(Crop, PlansSayTheField) {
  const PlanSummary plan = model().plan({.height = 64, .width = 64});
  EXPECT_EQ(plan.graphs[0].field, (std::array<int64_t, 4>{153, 153, 150, 150}));
  const Model cyclegan = Model::open(test::kData / "cyclegan_resnet6_k8.safetensors");
  EXPECT_FALSE(cyclegan.plan({.height = 64, .width = 64}).graphs[0].field);
}

TEST(Crop, AMarginOfOnesOwnIsTaken) {
  const Model m = model();
  const Image photo = test::random_picture(kWidth, kHeight, 3), mask = mask_of(kHoles[1]);
  Session session = m.session({.device = "cpu"});
  const Image narrow = session.inpaint(photo, mask, {.crop = {.margin = 8}});
  EXPECT_NE(narrow.pixels, session.inpaint(photo, mask).pixels);
  EXPECT_EQ(session.inpaint(photo, mask, {.crop = {.margin = 153}}).pixels,
            session.inpaint(photo, mask).pixels);
}

// A limit that the whole image exceeds, and tiles of it do not.
TEST(Tiles, AreWhatMemoryAllows) {
  const Model m = model();
  const Image photo = test::random_picture(1200, 900, 3);
  Image mask = test::box_mask(1200, 900, 3, 3, 9, 9);
  mask.pixels.back() = mask.pixels[600] = 255;
  std::ranges::fill(mask.pixels, uint8_t{255});
  for (size_t i = 0; i < mask.pixels.size(); i += 5) mask.pixels[i] = 0;
  const int64_t whole = m.plan({.height = 900, .width = 1200, .task = Task::inpaint}).memory.peak();
  const int64_t images = 1200 * 900 * (3 + 3 + 2);
  const int64_t limit = whole / 3;
  std::vector<std::string> warnings;
  Session session = m.session({.max_memory = limit});
  const Image tiled = session.inpaint(photo, mask, {.without = {"winograd"}});
  EXPECT_LE(session.peak_allocated_bytes(), limit - images);
  EXPECT_GT(session.peak_allocated_bytes(), (limit - images) / 2);
  EXPECT_EQ(tiled.pixels, m.session().inpaint(photo, mask, {.without = {"winograd"}}).pixels);
}

// Unbounded: every tile has its own statistics; neighbours are blended, and a sentence says so.
TEST(Tiles, OfANetworkThatLooksAtTheWholeImageAreBlendedWithAWarning) {
  const Model m = Model::open(test::kData / "cyclegan_resnet6_k8.safetensors");
  std::vector<std::string> warnings;
  Session session = m.session(
      {.device = "cpu", .warn = [&](const std::string& said) { warnings.push_back(said); }});
  const Image photo = test::random_picture(150, 131, 3);
  const Image whole = session.translate(photo);
  EXPECT_TRUE(warnings.empty());
  const Image tiled = session.translate(photo, {.tiles = {.size = 96, .overlap = 32}});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(
      warnings[0],
      "the network looks at the whole image, so tiles differ from it; they are blended over 32 "
      "pixels");
  EXPECT_NE(tiled.pixels, whole.pixels);
  // No step where tiles meet: neighbours differ about as much there as elsewhere.
  const auto steps = [&](int64_t x) {
    int64_t sum = 0;
    for (int64_t y = 0; y < tiled.height; ++y) {
      for (int64_t c = 0; c < 3; ++c) {
        const auto at = static_cast<size_t>((y * tiled.width + x) * 3 + c);
        sum += std::abs(int64_t{tiled.pixels[at]} - tiled.pixels[at - 3]);
      }
    }
    return sum;
  };
  int64_t most = 0;
  for (int64_t x = 10; x < 50; ++x) most = std::max(most, steps(x));
  for (int64_t x = 50; x < 100; ++x) EXPECT_LE(steps(x), 2 * most) << x;
}

}  // namespace
}  // namespace kintsugi
