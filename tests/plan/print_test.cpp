// SPDX-License-Identifier: MIT
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

plan::Plan small() {
  test::Toy t({1, 3, 8, 8});
  const auto conv = t.conv(t.x, "conv", {.out_channels = 4, .kernel = 3, .padding = 1});
  t.graph.output("y", t.relu(t.norm(conv, "bn"), "relu"));
  return plan::make(t.graph, {.backend = plan::Backend::reference_f32});
}

std::string in_file(const std::string& name) { return "m." + name; }

TEST(Print, TheTableNamesEveryStepInTheFilesOwnWords) {
  const std::string table = plan::table(small(), in_file);
  EXPECT_NE(table.find("m.conv + m.bn + m.relu"), std::string::npos) << table;
  EXPECT_NE(table.find("conv2d 3x3 3->4, padding 1 zero"), std::string::npos) << table;
  EXPECT_NE(table.find("add channel, relu"), std::string::npos) << table;
  EXPECT_NE(table.find("[1, 4, 8, 8]  f32"), std::string::npos) << table;
}

TEST(Print, ThePictureHasARowForEachStepAndShowsWhatIsWritten) {
  const plan::Plan plan = small();
  const std::string picture = plan::memory_picture(plan, in_file, 32);
  EXPECT_EQ(std::ranges::count(picture, '\n'), 1 + static_cast<int>(plan.steps.size()));
  EXPECT_NE(picture.find('#', picture.find('\n')), std::string::npos) << picture;
  EXPECT_NE(picture.find("m.relu"), std::string::npos) << picture;
  EXPECT_NE(picture.find('=', picture.find('\n')), std::string::npos) << picture;
}

// A [1, 4, 8, 8] value of f32 beside the 3-channel input, whose pixels take four elements.
TEST(Print, MemoryToTheByte) {
  const plan::Plan plan = small();
  EXPECT_EQ(plan.arena_bytes, 2 * 8 * 8 * 4 * 4);
  EXPECT_EQ(plan.packed_bytes, (4 * 3 * 3 * 3 + 4) * 4);
  EXPECT_EQ(plan.peak_bytes(), plan.arena_bytes + plan.packed_bytes);
  EXPECT_EQ(plan.flops, 2 * 4 * 8 * 8 * 3 * 3 * 3);
}

}  // namespace
}  // namespace kintsugi
