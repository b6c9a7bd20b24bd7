// SPDX-License-Identifier: MIT
#include "tests/ops/special.h"

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/norm/norm.h"

namespace kintsugi::test {

void expect_in_place(const Target& target, Machine& machine) {
  for (const OpCases& op : all_cases()) {
    for (const OpCase& c : op.cases()) {
      const bool fits = c.op.outputs(c.inputs)[0] == c.inputs[0];
      if (!c.op.in_place() || !c.thorough || !fits) continue;
      SCOPED_TRACE(described(c));
      const Drawn drawn = draw(c, target);
      EXPECT_EQ(run(c.op, drawn, target, machine, {.in_place = true}).memory,
                run(c.op, drawn, target, machine).memory);
    }
  }
}

void expect_norm_applied(const Target& target, Machine& machine) {
  const OpCase c =
      small_case(norm::Desc{.groups = 3, .affine = true}, {{2, 9, 5, 7}}, Fill::spread);
  const Drawn drawn = draw(c, target);
  const AnyOp apply = elementwise::Desc{{step::affine(Extent::sample_channel)}};
  const auto by = [&](std::vector<Values> rows) {
    return Drawn{drawn.inputs, {}, std::move(rows)};
  };
  const Drawn steps = by(run(c.op, drawn, target, machine).outputs);
  const auto expected = by_reference(apply, by(by_reference(c.op, drawn)));
  const Result applied = run(apply, steps, target, machine);
  EXPECT_TRUE(
      close(applied.outputs[0], expected[0], promised(work_of(apply, steps, target), 0, target)));
}

void expect_outlier_harmless(const Target& target, Machine& machine) {
  const OpCase c = small_case(norm::Desc{.groups = 2}, {{1, 8, 30, 40}}, Fill::spread);
  Drawn drawn = draw(c, target);
  for (size_t k = 0; k < 8; ++k) drawn.inputs[0].numbers[k] = 100;
  const Result result = run(c.op, drawn, target, machine);
  const auto expected = by_reference(c.op, drawn);
  EXPECT_TRUE(close(result.outputs[0], expected[0], kTolerance));
  for (size_t k = 0; k < 8; ++k) {  // the last digit of a hundred is 8e-6, and the deviation 3
    EXPECT_NEAR(result.outputs[1].numbers[k], expected[1].numbers[k], 5e-6) << k;
  }
}

void expect_moments_for_free(const OpCase& c, const Drawn& drawn, const Target& target,
                             Machine& machine) {
  AnyOp bare = c.op;
  const auto without = [&]<class Desc>(const Desc* desc) {
    if (desc == nullptr || !desc->moments) return;
    Desc changed = *desc;
    changed.moments = false;
    bare = changed;
  };
  without(c.op.as<conv2d::Desc>());
  without(c.op.as<conv_transpose2d::Desc>());
  if (work_of(bare, drawn, target).describe_config() !=
      work_of(c.op, drawn, target).describe_config()) {
    return;  // other tiles, and another order of sums
  }
  EXPECT_EQ(run(bare, drawn, target, machine).memory[0],
            run(c.op, drawn, target, machine).memory[0]);
}

}  // namespace kintsugi::test
