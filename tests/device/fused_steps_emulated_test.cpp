// SPDX-License-Identifier: MIT
//
// What only the emulator can say of steps fused into convolutions, and of gates on their own: the same
// bits in every order in which threads may run, bytes moved to the byte, no two lanes of a load in one
// bank.
#include "kernels/emulator/emulator.h"
#include "tests/device/elementwise_trial.h"
#include "tests/device/fused_steps_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi {
namespace {

using namespace test;

class FusedEmulated : public testing::TestWithParam<Type> {
 protected:
  void TearDown() override { emulator::set({}); }
};
INSTANTIATE_TEST_SUITE_P(Types, FusedEmulated, testing::ValuesIn(kTypes),
                         [](const auto& type) { return std::string(name_of(type.param)); });

/// Without the steps that read operands, which are not counted.
Steps without_operands(const Steps& steps) {
  Steps out;
  for (const Step& step : steps) {
    if (step.operand_count() == 0) out.append(step);
  }
  return out;
}

template <class Case>
void expect_traffic(const std::vector<Case>& cases, Type type) {
  emulator::set({.count_banks = true});
  for (const Case& c : cases) {
    auto desc = c.desc;
    desc.epilogue = without_operands(desc.epilogue);
    desc.prologue.steps = without_operands(desc.prologue.steps);
    for (const int multiprocessors : {1, 40}) {
      SCOPED_TRACE(c.name + ", " + std::to_string(multiprocessors) + " multiprocessors");
      with_storage(type, [&]<class T>(T) {
        const Trial<decltype(desc), T> trial(desc, c.input, type, multiprocessors);
        (void)emulator::take_reports();
        (void)trial.cuda();
        const auto reports = emulator::take_reports();
        ASSERT_EQ(reports.size(), 1u);
        const device::Traffic moved{reports[0].bytes_read, reports[0].bytes_written};
        EXPECT_EQ(moved, traffic(desc, trial.config, c.input, sizeof(T)))
            << moved.read << " read, " << moved.written << " written";
        for (const emulator::Wavefronts& loads : {reports[0].ldmatrix, reports[0].shared16}) {
          EXPECT_EQ(loads.ratio(), 1.0);
        }
      });
    }
  }
}

template <class Case>
void expect_same_bits(const std::vector<Case>& cases, Type type) {
  for (const Case& c : cases) {
    for (const int multiprocessors : {1, 40}) {  // whole, and with its depth split
      SCOPED_TRACE(c.name + ", " + std::to_string(multiprocessors) + " multiprocessors");
      with_storage(type, [&]<class T>(T) {
        const Trial<decltype(c.desc), T> trial(c.desc, c.input, type, multiprocessors);
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

TEST_P(FusedEmulated, GatesMoveWhatTheySay) {
  const Type type = GetParam();
  expect_traffic(gates::conv2d_cases(), type);
  expect_traffic(gates::pipelined(type), type);
  expect_traffic(gates::conv_transpose2d_cases(), type);
}

TEST_P(FusedEmulated, TheBitsOfGatesAreTheSameInEveryOrder) {
  const Type type = GetParam();
  expect_same_bits(gates::pipelined(type), type);
  expect_same_bits(gates::conv_transpose2d_cases(), type);
}

TEST_P(FusedEmulated, ProloguesMoveWhatTheySay) {
  const Type type = GetParam();
  expect_traffic(prologues::conv2d_cases(), type);
  expect_traffic(prologues::pipelined(type), type);
  expect_traffic(prologues::conv_transpose2d_cases(), type);
}

TEST_P(FusedEmulated, TheBitsOfProloguesAreTheSameInEveryOrder) {
  const Type type = GetParam();
  expect_same_bits(prologues::pipelined(type), type);
}

template <class T>
class GateEmulated : public testing::Test {};
TYPED_TEST_SUITE(GateEmulated, elementwise::Types);

TYPED_TEST(GateEmulated, MovesWhatItSays) {
  for (const int64_t channels : {1, 8, 12, 35}) {
    SCOPED_TRACE(channels);
    const Shape shape{2, 2 * channels, 3, 7};
    const elementwise::Trial<TypeParam> trial({{step::gate(Function::elu, Function::sigmoid)}},
                                              shape);
    static_cast<void>(emulator::take_reports());
    static_cast<void>(trial.cuda());
    const auto reports = emulator::take_reports();
    ASSERT_EQ(reports.size(), 1u);
    // Features in whole groups of 16 bytes; gates too where a group begins with the first of them.
    const int64_t whole = round_up(channels, kGroup<TypeParam>);
    const auto size = static_cast<int64_t>(sizeof(TypeParam));
    EXPECT_EQ(reports[0].bytes_read, shape.pixels() * (whole + channels) * size);
    EXPECT_EQ(reports[0].bytes_written, shape.pixels() * whole * size);
  }
}

}  // namespace
}  // namespace kintsugi
