// SPDX-License-Identifier: MIT
//
// What only the emulator can say of resample on CUDA: the same bits in every order in which threads may
// run, bytes moved to the byte.
#include "kernels/emulator/emulator.h"
#include "tests/device/resample_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi::resample {
namespace {

template <class T>
class ResampleEmulated : public testing::Test {
 protected:
  void TearDown() override { emulator::set({}); }
};
TYPED_TEST_SUITE(ResampleEmulated, Types);

TYPED_TEST(ResampleEmulated, MovesWhatItSays) {
  for (const Case& c : odd_cases()) {
    SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
    const Trial<TypeParam> trial(c);
    static_cast<void>(emulator::take_reports());
    static_cast<void>(trial.cuda());
    const auto reports = emulator::take_reports();
    ASSERT_EQ(reports.size(), 1u);
    // Whole groups of 16 bytes, pads included: one or four in, one out.
    const Shape out = output_shape(c.desc, c.input);
    const int64_t bytes = out.pixels() * round_up(out.c(), test::kGroup<TypeParam>) *
                          static_cast<int64_t>(sizeof(TypeParam));
    EXPECT_EQ(reports[0].bytes_read, (c.desc.mode == Mode::nearest ? 1 : 4) * bytes);
    EXPECT_EQ(reports[0].bytes_written, bytes);
  }
}

TYPED_TEST(ResampleEmulated, TheBitsAreTheSameInEveryOrder) {
  for (const Case& c : odd_cases()) {
    SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
    const Trial<TypeParam> trial(c);
    std::vector<std::byte> expected;
    for (const emulator::Settings& settings : specimen::schedules()) {
      emulator::set(settings);
      const auto got = trial.cuda(1).buffer().template values<std::byte>();
      if (expected.empty()) expected = got;
      EXPECT_EQ(got, expected);
    }
  }
}

}  // namespace
}  // namespace kintsugi::resample
