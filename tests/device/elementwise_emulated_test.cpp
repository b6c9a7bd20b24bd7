// SPDX-License-Identifier: MIT
//
// What only the emulator can say of elementwise on CUDA: the same bits in every order in which threads
// may run, bytes moved to the byte.
#include "kernels/emulator/emulator.h"
#include "tests/device/elementwise_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi::elementwise {
namespace {

template <class T>
class ElementwiseEmulated : public testing::Test {
 protected:
  void TearDown() override { emulator::set({}); }
};
TYPED_TEST_SUITE(ElementwiseEmulated, Types);

TYPED_TEST(ElementwiseEmulated, MovesWhatItSays) {
  for (const Shape& shape : odd_shapes()) {
    SCOPED_TRACE(shape.to_string());
    const Trial<TypeParam> trial(add_silu(), shape);
    static_cast<void>(emulator::take_reports());
    static_cast<void>(trial.cuda());
    const auto reports = emulator::take_reports();
    ASSERT_EQ(reports.size(), 1u);
    // Whole groups of 16 bytes, pads included: both tensors in, one out.
    const int64_t bytes = shape.pixels() * round_up(shape.c(), test::kGroup<TypeParam>) *
                          static_cast<int64_t>(sizeof(TypeParam));
    EXPECT_EQ(reports[0].bytes_read, 2 * bytes);
    EXPECT_EQ(reports[0].bytes_written, bytes);
  }
}

TYPED_TEST(ElementwiseEmulated, TheBitsAreTheSameInEveryOrder) {
  for (const Shape& shape : odd_shapes()) {
    SCOPED_TRACE(shape.to_string());
    const Trial<TypeParam> trial(add_silu(), shape);
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
}  // namespace kintsugi::elementwise
