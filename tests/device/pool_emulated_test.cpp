// SPDX-License-Identifier: MIT
//
// What only the emulator can say of pool on CUDA: the same bits in every order in which threads may
// run, bytes moved to the byte.
#include "kernels/emulator/emulator.h"
#include "tests/device/pool_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi::pool {
namespace {

template <class T>
class PoolEmulated : public testing::Test {
 protected:
  void TearDown() override { emulator::set({}); }
};
TYPED_TEST_SUITE(PoolEmulated, Types);

TYPED_TEST(PoolEmulated, MovesWhatItSays) {
  for (const Case& c : odd_cases()) {
    SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
    const Trial<TypeParam> trial(c);
    static_cast<void>(emulator::take_reports());
    static_cast<void>(trial.cuda());
    const auto reports = emulator::take_reports();
    ASSERT_EQ(reports.size(), 1u);
    // Whole groups of 16 bytes, pads included: every tap inside the picture in, one out.
    const Shape out = output_shape(c.desc, c.input);
    const int64_t pixel =
        round_up(out.c(), test::kGroup<TypeParam>) * static_cast<int64_t>(sizeof(TypeParam));
    int64_t rows = 0, columns = 0;
    for (int64_t y = 0; y < out.h(); ++y) {
      const Span v = span(y, c.desc.kernel.h, c.desc.stride.h, c.desc.padding.h, c.input.h());
      rows += v.end - v.begin;
    }
    for (int64_t x = 0; x < out.w(); ++x) {
      const Span u = span(x, c.desc.kernel.w, c.desc.stride.w, c.desc.padding.w, c.input.w());
      columns += u.end - u.begin;
    }
    EXPECT_EQ(reports[0].bytes_read, out.n() * rows * columns * pixel);
    EXPECT_EQ(reports[0].bytes_written, out.pixels() * pixel);
  }
}

TYPED_TEST(PoolEmulated, TheBitsAreTheSameInEveryOrder) {
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
}  // namespace kintsugi::pool
