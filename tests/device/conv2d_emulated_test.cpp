// SPDX-License-Identifier: MIT
//
// What only the emulator can say of conv2d on CUDA: the same bits in every order in which threads may
// run, bytes moved to the byte, no two lanes of a load in one bank.
#include "kernels/emulator/emulator.h"
#include "tests/device/conv2d_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi::conv2d {
namespace {

using namespace test;

class Conv2dEmulated : public testing::TestWithParam<Type> {
 protected:
  void TearDown() override { emulator::set({}); }
};

TEST_P(Conv2dEmulated, MovesWhatItSaysAndNoBanksMeet) {
  const Type type = GetParam();
  emulator::set({.count_banks = true});
  std::vector<Case> cases = corners();
  for (const Case& c : pipelined(type)) cases.push_back(c);
  for (Case& c : cases) {
    c.desc.epilogue = {step::activate(Function::relu)};  // whose operands are not counted
    for (const int multiprocessors : {1, 8}) {
      SCOPED_TRACE(c.name + ", " + std::to_string(multiprocessors) + " multiprocessors");
      with_storage(type, [&]<class T>(T) {
        const Trial<T> trial(c.desc, c.input, type, multiprocessors);
        (void)emulator::take_reports();
        (void)trial.cuda();
        const auto reports = emulator::take_reports();
        ASSERT_EQ(reports.size(), 1u);
        const Traffic moved{reports[0].bytes_read, reports[0].bytes_written};
        EXPECT_EQ(moved, traffic(c.desc, trial.config, c.input, sizeof(T)))
            << moved.read << " read, " << moved.written << " written";
        const bool multiplies = trial.config.method == CudaMethod::tensor_core;
        EXPECT_EQ(reports[0].mma > 0, multiplies);
        const emulator::Wavefronts& loads = multiplies ? reports[0].ldmatrix : reports[0].shared16;
        EXPECT_GT(loads.ideal, 0);
        EXPECT_EQ(loads.ratio(), 1.0);
      });
    }
  }
}

TEST_P(Conv2dEmulated, TheBitsAreTheSameInEveryOrder) {
  const Type type = GetParam();
  for (const Case& c : pipelined(type)) {
    for (const int multiprocessors : {1, 40}) {  // whole, and with its depth split
      SCOPED_TRACE(c.name + ", " + std::to_string(multiprocessors) + " multiprocessors");
      with_storage(type, [&]<class T>(T) {
        const Trial<T> trial(c.desc, c.input, type, multiprocessors);
        std::vector<T> expected;
        for (const emulator::Settings& settings : specimen::schedules()) {
          emulator::set(settings);
          const auto got = trial.cuda();
          if (expected.empty()) expected = got.bits;
          EXPECT_TRUE(same_bytes(got.bits, expected));
        }
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Conv2dEmulated, testing::ValuesIn(kTypes),
                         [](const auto& type) { return std::string(name_of(type.param)); });

}  // namespace
}  // namespace kintsugi::conv2d
