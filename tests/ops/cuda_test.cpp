// SPDX-License-Identifier: MIT
//
// Every op on CUDA in each storage type and arithmetic: on the emulator everywhere, on a GPU where there
// is one.
#include "tests/ops/cuda.h"
#include "kernels/conv2d/conv2d.h"
#include "tests/ops/counted.h"
#include "tests/ops/special.h"

namespace kintsugi::test {
namespace {

class OpsCuda : public testing::TestWithParam<std::tuple<OpCases, Type>> {
 protected:
  [[nodiscard]] static const OpCases& op() { return std::get<0>(GetParam()); }
  [[nodiscard]] static Type type() { return std::get<1>(GetParam()); }
  /// f(case) of those that there are in this type.
  template <class F>
  static void each_case(const F& f) {
    for (const OpCase& c : op().cases()) {
      if (!is_of(c, type())) continue;
      SCOPED_TRACE(described(c));
      f(c);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Ops, OpsCuda,
                         testing::Combine(testing::ValuesIn(all_cases().begin(), all_cases().end()),
                                          testing::ValuesIn(kTypes)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param).op) + "_" +
                                  name_of(std::get<1>(test.param));
                         });

/// Right, in views of exact size; where an emulator counts, the bytes are those that the op states, no
/// less than must move, and no two lanes meet in a bank.
TEST_P(OpsCuda, AgreesWithItsReference) {
  each_case([](const OpCase& c) {
    const Drawn drawn = draw(c, cuda(type()));
    const Expected expected = expect(c, drawn);
    std::string config;
    for (const int multiprocessors : {1, 40}) {  // a depth whole, and split among blocks
      if (multiprocessors > 1 && c.op.cost(c.inputs, 4).flops > 3'000'000 && !c.thorough) continue;
      const Target target = cuda(type(), multiprocessors);
      const Work work = work_of(c.op, drawn, target);
      if (work.describe_config() == config) continue;
      config = work.describe_config();
      SCOPED_TRACE(config);
      Gpu gpu;
      begin_counting();
      const Result result = run(c.op, drawn, target, gpu, {.gaps = multiprocessors == 1});
      expect_counted(work, shapes_of(drawn), target);
      EXPECT_TRUE(agrees(expected, work, target, result));
      if (!result.moments.empty()) {
        EXPECT_TRUE(moments_agree(result));
        begin_counting();
        expect_norms_gathered(result, target, gpu, [&](const Work& norm, const Shapes& shapes) {
          expect_counted(norm, shapes, target);
          begin_counting();
        });
        expect_moments_for_free(c, drawn, target, gpu);
      }
    }
  });
}

TEST_P(OpsCuda, BitsDependNeitherOnTheLaunchBeforeNorOnTheBatch) {
  each_case([](const OpCase& c) {
    if (!c.thorough && c.inputs[0].n() == 1) return;
    Gpu gpu;
    const Target target = cuda(type(), c.thorough ? 40 : 1);
    const Drawn drawn = draw(c, target);
    const auto expected = run(c.op, drawn, target, gpu).memory;
    if (c.thorough) {
      EXPECT_EQ(run(c.op, drawn, target, gpu, {.times = 2}).memory, expected);
    }
    if (c.inputs[0].n() > 1) expect_items(c, drawn, target, gpu, expected);
  });
}

TEST_P(OpsCuda, NeverHidesNaN) {
  Gpu gpu;
  each_case([&](const OpCase& c) {
    if (c.op.cost(c.inputs, 4).flops > 100'000) return;
    expect_nan_kept(c, cuda(type()), gpu);
  });
}

TEST_P(OpsCuda, MistakesAreSeen) {
  Gpu gpu;
  expect_mistakes_seen(op().mistakes(), cuda(type()), gpu);
}

TEST(OpsCudaSpecial, OfSomeOpsAlone) {
  for (const Type type : {Type::f32, Type::f16, Type::bf16}) {
    SCOPED_TRACE(name_of(type));
    Gpu gpu;
    expect_in_place(cuda(type), gpu);
    expect_norm_applied(cuda(type), gpu);
    expect_outlier_harmless(cuda(type), gpu);
  }
}

// Steps that f16 holds where an input lies in [0.5, 1), and not where it is zero: products with the
// zeros of a weight would be NaN.
TEST(OpsCudaSpecial, WhatLiesBehindTheLastChannelStaysZero) {
  const OpCase c =
      small_case(conv2d::Desc{.in_channels = 5,
                              .out_channels = 7,
                              .kernel = 3,
                              .padding = 1,
                              .prologue = {.steps = {step::affine(-133333.0f, 100000.0f)}},
                              .epilogue = {step::mul(1e-5f)}},
                 {{1, 5, 4, 6}});
  const Target target = cuda(Type::f16);
  Drawn drawn = draw(c, target);
  for (double& v : drawn.inputs[0].numbers) {
    v = static_cast<double>(widen(narrow<f16>(static_cast<float>(0.75 + 0.25 * v))));
  }
  Gpu gpu;
  EXPECT_TRUE(agrees(expect(c, drawn), work_of(c.op, drawn, target), target,
                     run(c.op, drawn, target, gpu)));
}

}  // namespace
}  // namespace kintsugi::test
