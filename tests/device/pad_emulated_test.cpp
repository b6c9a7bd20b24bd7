// SPDX-License-Identifier: MIT
//
// What only the emulator can say of pad on CUDA: the same bits in every order in which threads may run,
// bytes moved to the byte.
#include "kernels/emulator/emulator.h"
#include "tests/device/pad_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi::pad {
namespace {

template <class T>
class PadEmulated : public testing::Test {
 protected:
  void TearDown() override { emulator::set({}); }
};
TYPED_TEST_SUITE(PadEmulated, Types);

TYPED_TEST(PadEmulated, MovesWhatItSays) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(to_string(c.desc) + " of " + c.input.to_string());
    const Trial<TypeParam> trial(c);
    static_cast<void>(emulator::take_reports());
    static_cast<void>(trial.cuda());
    const auto reports = emulator::take_reports();
    ASSERT_EQ(reports.size(), 1u);
    // Whole groups of 16 bytes, pads included: zeros are stored and not read.
    const int64_t pixel =
        round_up(c.input.c(), test::kGroup<TypeParam>) * static_cast<int64_t>(sizeof(TypeParam));
    const int64_t written = output_shape(c.desc, c.input).pixels() * pixel;
    EXPECT_EQ(reports[0].bytes_read,
              c.desc.mode == PaddingMode::zero ? c.input.pixels() * pixel : written);
    EXPECT_EQ(reports[0].bytes_written, written);
  }
}

TYPED_TEST(PadEmulated, TheBitsAreTheSameInEveryOrder) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(to_string(c.desc) + " of " + c.input.to_string());
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
}  // namespace kintsugi::pad
