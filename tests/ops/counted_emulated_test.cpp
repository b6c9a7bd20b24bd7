// SPDX-License-Identifier: MIT
//
// What only the emulator can say of an op: what its launches move, and that its bits are the same in
// every order in which threads and blocks may run.
#include "kernels/emulator/emulator.h"
#include "tests/emulator/support.h"
#include "tests/ops/counted.h"
#include "tests/ops/cuda.h"

namespace kintsugi::test {

void begin_counting() {
  emulator::set({.count_banks = true});
  static_cast<void>(emulator::take_reports());
}

void expect_counted(const Work& work, ShapeSpan inputs, const Target& target) {
  const bool multiplies =
      work.packing(target).has_value() && (target.tf32 || target.element_bytes() == 2);
  device::Traffic moved;
  for (const emulator::Report& report : emulator::take_reports()) {
    moved.read += report.bytes_read;
    moved.written += report.bytes_written;
    EXPECT_EQ(report.ldmatrix.ratio(), 1.0) << report.kernel;
    EXPECT_EQ(report.shared16.ratio(), 1.0) << report.kernel;
    // Products of halves are the tensor cores'.
    EXPECT_EQ(report.mma > 0, multiplies) << report.kernel;
  }
  // What is converted to halves is read by a kernel in f32; where all is f32 nothing is converted.
  Target kernel = target;
  const bool converts = work.op().makes(0) == Stored::storage;
  if (converts) kernel.dtype = DType::f32;
  const Traffic stated =
      converts && target.dtype == DType::f32 ? moved : work.traffic(inputs, kernel);
  EXPECT_EQ(moved, stated) << moved.read << " read and " << moved.written << " written, not "
                           << stated.read << " and " << stated.written;
  emulator::set({});
}

namespace {

class OpsEmulated : public testing::TestWithParam<std::tuple<OpCases, Type>> {
 protected:
  void TearDown() override { emulator::set({}); }
};
INSTANTIATE_TEST_SUITE_P(Ops, OpsEmulated,
                         testing::Combine(testing::ValuesIn(all_cases().begin(), all_cases().end()),
                                          testing::ValuesIn(kTypes)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param).op) + "_" +
                                  name_of(std::get<1>(test.param));
                         });

TEST_P(OpsEmulated, TheBitsAreTheSameInEveryOrder) {
  const auto& [op, type] = GetParam();
  for (const OpCase& c : op.cases()) {
    if (!c.thorough || !is_of(c, type)) continue;
    SCOPED_TRACE(described(c));
    std::string config;
    for (const int multiprocessors : {1, 40}) {
      const Target target = cuda(type, multiprocessors);
      const Drawn drawn = draw(c, target);
      const Work work = work_of(c.op, drawn, target);
      if (work.describe_config() == config) continue;
      config = work.describe_config();
      SCOPED_TRACE(config);
      std::vector<std::vector<std::byte>> expected;
      for (const emulator::Settings& settings : specimen::schedules()) {
        emulator::set(settings);
        Gpu gpu;
        const auto got = run(c.op, drawn, target, gpu).memory;
        if (expected.empty()) expected = got;
        EXPECT_EQ(got, expected);
      }
    }
  }
}

}  // namespace
}  // namespace kintsugi::test
