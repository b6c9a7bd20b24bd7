// SPDX-License-Identifier: MIT
//
// What only the emulator can say of layer_norm on CUDA: the same bits in every order in which threads
// may run, bytes moved to the byte.
#include "kernels/emulator/emulator.h"
#include "tests/device/layer_norm_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi::layer_norm {
namespace {

template <class T>
class LayerNormEmulated : public testing::Test {
 protected:
  void TearDown() override { emulator::set({}); }
};
TYPED_TEST_SUITE(LayerNormEmulated, Types);

TYPED_TEST(LayerNormEmulated, MovesWhatItSays) {
  for (const Case& c : odd_cases()) {
    Trial<TypeParam> trial(c);
    for (const int held : {trial.config.held, 0}) {
      trial.config.held = held;
      SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string() + " " + to_string(trial.config));
      static_cast<void>(emulator::take_reports());
      static_cast<void>(trial.cuda());
      const auto reports = emulator::take_reports();
      ASSERT_EQ(reports.size(), 1u);
      const Traffic said = traffic(c.desc, trial.config, c.input, sizeof(TypeParam));
      EXPECT_EQ(reports[0].bytes_read, said.read);
      EXPECT_EQ(reports[0].bytes_written, said.written);
    }
  }
}

TYPED_TEST(LayerNormEmulated, TheBitsAreTheSameInEveryOrder) {
  for (const Case& c : odd_cases()) {
    Trial<TypeParam> trial(c);
    // What is kept and what is read again is the same, too.
    std::vector<std::byte> expected;
    for (const int held : {trial.config.held, 0}) {
      trial.config.held = held;
      SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string() + " " + to_string(trial.config));
      for (const emulator::Settings& settings : specimen::schedules()) {
        emulator::set(settings);
        const auto got = trial.cuda(1).buffer().template values<std::byte>();
        if (expected.empty()) expected = got;
        EXPECT_EQ(got, expected);
      }
    }
  }
}

}  // namespace
}  // namespace kintsugi::layer_norm
