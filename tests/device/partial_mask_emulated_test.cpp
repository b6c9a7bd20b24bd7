// SPDX-License-Identifier: MIT
//
// What only the emulator can say of partial_mask on CUDA: the same bits in every order in which threads
// may run, bytes moved to the byte.
#include "kernels/emulator/emulator.h"
#include "tests/device/partial_mask_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi::partial_mask {
namespace {

class PartialMaskEmulated : public testing::Test {
 protected:
  void TearDown() override { emulator::set({}); }
};

/// Taps of all windows of an axis that lie in the picture.
int64_t taps_inside(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                    int64_t padding) {
  int64_t taps = 0;
  for (int64_t i = 0; i < out; ++i) {
    for (int64_t r = 0; r < kernel; ++r) {
      const int64_t at = i * stride + r * dilation - padding;
      taps += at >= 0 && at < in ? 1 : 0;
    }
  }
  return taps;
}

TEST_F(PartialMaskEmulated, MovesWhatItSays) {
  for (const Case& c : odd_cases()) {
    SCOPED_TRACE(c.name());
    const Trial trial(c);
    static_cast<void>(emulator::take_reports());
    static_cast<void>(trial.cuda());
    const auto reports = emulator::take_reports();
    ASSERT_EQ(reports.size(), 1u);
    // Of a mask its channel alone, whatever stands behind it; a whole group of 16 bytes out.
    const Desc& d = c.desc;
    const Shape out = output_shape(d, c.mask);
    const int64_t taps =
        c.mask.n() * d.planes() *
        taps_inside(c.mask.h(), out.h(), d.kernel.h, d.stride.h, d.dilation.h, d.padding.h) *
        taps_inside(c.mask.w(), out.w(), d.kernel.w, d.stride.w, d.dilation.w, d.padding.w);
    EXPECT_EQ(reports[0].bytes_read, 4 * taps);
    EXPECT_EQ(reports[0].bytes_written, 16 * out.pixels());
  }
}

TEST_F(PartialMaskEmulated, TheBitsAreTheSameInEveryOrder) {
  for (const Case& c : odd_cases()) {
    SCOPED_TRACE(c.name());
    const Trial trial(c);
    std::vector<std::byte> expected;
    for (const emulator::Settings& settings : specimen::schedules()) {
      emulator::set(settings);
      const auto got = trial.cuda(1).buffer().values<std::byte>();
      if (expected.empty()) expected = got;
      EXPECT_EQ(got, expected);
    }
  }
}

}  // namespace
}  // namespace kintsugi::partial_mask
