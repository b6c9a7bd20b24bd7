// SPDX-License-Identifier: MIT
//
// What only the emulator can say of norm on CUDA: the same bits in every order in which threads may
// run, bytes moved to the byte; and how its tiles lie.
#include "kernels/device/pixel_tiles.h"
#include "kernels/emulator/emulator.h"
#include "tests/device/norm_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi::norm {
namespace {

template <class T>
class NormEmulated : public testing::Test {
 protected:
  void TearDown() override { emulator::set({}); }
};
TYPED_TEST_SUITE(NormEmulated, Types);

TYPED_TEST(NormEmulated, MovesWhatItSays) {
  for (const Case& c : odd_cases()) {
    SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
    const Trial<TypeParam> trial(c);
    static_cast<void>(emulator::take_reports());
    static_cast<void>(trial.cuda());
    Traffic moved;
    for (const emulator::Report& report : emulator::take_reports()) {
      moved.read += report.bytes_read;
      moved.written += report.bytes_written;
    }
    const Traffic said = traffic(c.desc, c.input, sizeof(TypeParam));
    EXPECT_EQ(moved.read, said.read);
    EXPECT_EQ(moved.written, said.written);
  }
}

TYPED_TEST(NormEmulated, TheBitsAreTheSameInEveryOrder) {
  for (const Case& c : odd_cases()) {
    SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
    const Trial<TypeParam> trial(c);
    std::vector<float> expected;
    for (const emulator::Settings& settings : specimen::schedules()) {
      emulator::set(settings);
      const std::vector<float> got = trial.cuda(1);
      if (expected.empty()) expected = got;
      EXPECT_TRUE(specimen::same_bits(got, expected));
    }
  }
}

TYPED_TEST(NormEmulated, TheBitsOfAPictureDoNotKnowItsBatch) {
  const Trial<TypeParam> both({{.groups = 2}, {2, 12, 30, 21}});
  Trial<TypeParam> alone({{.groups = 2}, {1, 12, 30, 21}});
  alone.input.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
    v = both.input.view().at(1, c, y, x);
  });
  const std::vector<float> all = both.cuda();
  const auto second = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  EXPECT_TRUE(specimen::same_bits(alone.cuda(), {second, all.end()}));
}

}  // namespace
}  // namespace kintsugi::norm

namespace kintsugi::device {
namespace {

TEST(PixelTiles, AreManyButNotTooMany) {
  // 64 channels of f16: 8 packs, so 32 rows of threads, and four pixels for each of them.
  const PixelTiles small = pixel_tiles(64 * 64, 8);
  EXPECT_EQ(small.columns, 8u);
  EXPECT_EQ(small.rows, 32u);
  EXPECT_EQ(small.tile_pixels, 128u);
  EXPECT_EQ(small.tiles, 32u);
  const PixelTiles large = pixel_tiles(4096 * 4096, 8);
  EXPECT_EQ(large.tiles, 1024u);
  const PixelTiles wide = pixel_tiles(64 * 64, 100);
  EXPECT_EQ(wide.columns, 32u);
  EXPECT_EQ(wide.column_blocks, 4u);
  EXPECT_EQ(wide.blocks(), 4 * 128);
  const PixelTiles one = pixel_tiles(1, 1);
  EXPECT_EQ(one.tiles, 1u);
  EXPECT_EQ(one.tile_pixels, 1u);
  for (int64_t pixels = 1; pixels < 3000; pixels += 7) {
    const PixelTiles t = pixel_tiles(pixels, 3);
    EXPECT_GE(int64_t{t.tiles} * t.tile_pixels, pixels);
    EXPECT_LT(int64_t{t.tiles - 1} * t.tile_pixels, pixels);
  }
}

}  // namespace
}  // namespace kintsugi::device
