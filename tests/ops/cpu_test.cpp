// SPDX-License-Identifier: MIT
//
// Every op on the CPU, by the instruction set that the process has chosen.
#include "tests/ops/special.h"

namespace kintsugi::test {
namespace {

Target cpu(int threads = 2) {
  return {.kernels = KernelSet::cpu, .isa = simd::chosen(), .threads = threads};
}

class OpsCpu : public testing::TestWithParam<OpCases> {};
INSTANTIATE_TEST_SUITE_P(Ops, OpsCpu, testing::ValuesIn(all_cases().begin(), all_cases().end()),
                         [](const auto& op) { return std::string(op.param.op); });

TEST_P(OpsCpu, AgreesWithItsReference) {
  for (const OpCase& c : GetParam().cases()) {
    if (!is_for(c, cpu())) continue;
    SCOPED_TRACE(described(c));
    const Drawn drawn = draw(c, cpu());
    const Expected expected = expect(c, drawn);
    // A shift of a thousand deviations has three digits less.
    const auto single = by_reference(c.op, drawn, DType::f32);
    for (size_t i = 0; c.fill != Fill::far && i < single.size(); ++i) {
      EXPECT_TRUE(close(single[i], expected.outputs[i], 1.5e-7)) << "the reference in f32";
    }
    Host host(KernelSet::cpu);
    const Work work = work_of(c.op, drawn, cpu());
    const Result chosen = run(c.op, drawn, cpu(), host);
    EXPECT_TRUE(agrees(expected, work, cpu(), chosen));
    if (!chosen.moments.empty()) {
      EXPECT_TRUE(moments_agree(chosen));
      expect_norms_gathered(chosen, cpu(), host);
      expect_moments_for_free(c, drawn, cpu(), host);
    }

    // Gaps change no number, nor does another configuration more than the last digits.
    const Result apart = run(c.op, drawn, cpu(), host, {.gaps = true});
    Target plain = cpu();
    plain.tuned = false;
    const Result plainest = run(c.op, drawn, plain, host);
    for (size_t i = 0; i < chosen.outputs.size(); ++i) {
      EXPECT_TRUE(close(apart.outputs[i], chosen.outputs[i], 0)) << "with gaps";
      const double allowed = 2 * promised(work, static_cast<int>(i), cpu());
      EXPECT_TRUE(close(plainest.outputs[i], chosen.outputs[i], c.exact ? 0 : allowed))
          << "the plainest configuration";
    }
  }
}

TEST_P(OpsCpu, BitsDependNeitherOnThreadsNorOnTheBatch) {
  ThreadPool one(1), three(3);
  for (const OpCase& c : GetParam().cases()) {
    if (!is_for(c, cpu()) || c.inputs[0].n() == 1) continue;
    SCOPED_TRACE(described(c));
    const Drawn drawn = draw(c, cpu());
    Host host(KernelSet::cpu), alone(KernelSet::cpu, one), many(KernelSet::cpu, three);
    const auto expected = run(c.op, drawn, cpu(), host).memory;
    EXPECT_EQ(run(c.op, drawn, cpu(1), alone).memory, expected) << "one thread";
    EXPECT_EQ(run(c.op, drawn, cpu(3), many).memory, expected) << "three threads";
    expect_items(c, drawn, cpu(), host, expected);
  }
}

TEST_P(OpsCpu, NeverHidesNaN) {
  Host host(KernelSet::cpu);
  for (const OpCase& c : GetParam().cases()) {
    if (!is_for(c, cpu()) || c.op.cost(c.inputs, 4).flops > 3'000'000) continue;
    SCOPED_TRACE(described(c));
    expect_nan_kept(c, cpu(), host);
  }
}

TEST_P(OpsCpu, AbsorbsNothingThatItHasNoPlaceFor) {
  for (const KernelSet kernels : {KernelSet::reference, KernelSet::cpu, KernelSet::cuda}) {
    Target target = cpu();
    target.kernels = kernels;
    for (const OpCase& c : GetParam().cases()) {
      SCOPED_TRACE(described(c));
      const PrependPrologue before{{.steps = {step::add(1.0f)}}, c.inputs[0]};
      if (c.op.steps() == nullptr) {
        EXPECT_FALSE(c.op.accepts(AppendStep{step::add(1.0f)}, target));
      }
      if (c.op.prologue() == nullptr) {
        EXPECT_FALSE(c.op.accepts(before, target));
      }
    }
  }
}

TEST_P(OpsCpu, MistakesAreSeen) {
  Host host(KernelSet::cpu);
  expect_mistakes_seen(GetParam().mistakes(), cpu(), host);
}

TEST(OpsCpuSpecial, OfSomeOpsAlone) {
  Host host(KernelSet::cpu);
  expect_in_place(cpu(), host);
  expect_norm_applied(cpu(), host);
  expect_outlier_harmless(cpu(), host);
}

}  // namespace
}  // namespace kintsugi::test
