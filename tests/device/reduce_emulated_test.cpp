// SPDX-License-Identifier: MIT
//
// What only the emulator can say of reduce on CUDA: the same bits in every order in which threads may
// run, bytes moved to the byte.
#include "kernels/emulator/emulator.h"
#include "tests/device/reduce_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi::reduce {
namespace {

template <class T>
class ReduceEmulated : public testing::Test {
 protected:
  void TearDown() override { emulator::set({}); }
};
TYPED_TEST_SUITE(ReduceEmulated, Types);

TYPED_TEST(ReduceEmulated, MovesWhatItSays) {
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

TYPED_TEST(ReduceEmulated, TheBitsAreTheSameInEveryOrder) {
  for (const Case& c : odd_cases()) {
    if (c.desc.reduction == Reduction::mean) continue;  // a sum's kernel, with another factor
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

TYPED_TEST(ReduceEmulated, TheBitsOfAPictureDoNotKnowItsBatch) {
  for (const Over over : {Over::pixels, Over::channels}) {
    const Trial<TypeParam> both({{.over = over}, {2, 12, 40, 31}});
    Trial<TypeParam> alone({{.over = over}, {1, 12, 40, 31}});
    alone.input.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
      v = both.input.view().at(1, c, y, x);
    });
    const auto all = both.cuda().buffer().template values<std::byte>();
    const auto second = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    EXPECT_EQ(alone.cuda().buffer().template values<std::byte>(),
              (std::vector<std::byte>{second, all.end()}));
  }
}

}  // namespace
}  // namespace kintsugi::reduce
