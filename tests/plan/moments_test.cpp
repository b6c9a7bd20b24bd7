// SPDX-License-Identifier: MIT
//
// Statistics that ride on the convolution they are of: which do, for how long their moments live, and that
// the result agrees with that of plans in which none does.
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using graph::Value;
using test::relative_l2;
using test::Toy;

/// Convolutions of every form, their norms with groups of several sizes, a residual, an odd picture.
graph::Graph normed() {
  Toy t({2, 5, 27, 38});
  Value x = t.conv(t.x, "conv1", {.out_channels = 36, .kernel = 5, .stride = 2, .padding = 2});
  x = t.relu(t.group_norm(x, "norm1", 36), "relu1");
  Value y = t.conv(x, "conv2", {.out_channels = 36, .kernel = 3, .padding = 1});
  y = t.relu(t.group_norm(y, "norm2", 9), "relu2");
  y = t.conv(y, "conv3", {.out_channels = 36, .kernel = 3, .dilation = 2, .padding = 2});
  y = t.add(x, t.group_norm(y, "norm3", 1), "residual");
  y = t.deconv(y, "deconv",
               {.out_channels = 7, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1});
  y = t.relu(t.group_norm(y, "norm4", 7), "relu4");
  t.graph.output("y", t.conv(y, "conv5", {.out_channels = 3, .kernel = 3, .padding = 1}));
  return t.graph;
}

TEST(Riding, AgreesWithReadingAgain) {
  const auto right = test::run(normed(), {.backend = plan::Backend::reference_f64});
  std::vector<plan::Backend> backends = {plan::Backend::cpu, plan::Backend::reference_f32};
  if (test::has_gpu()) backends.push_back(plan::Backend::gpu);
  for (const plan::Backend backend : backends) {
    for (const bool fuse : {true, false}) {
      for (const bool select : {true, false}) {
        plan::Options options{.backend = backend};
        options.passes.fuse = fuse;
        options.passes.select = select;
        EXPECT_LT(relative_l2(test::run(normed(), options), right), 2e-5)
            << int(backend) << ", fuse " << fuse << ", select " << select;
      }
    }
  }
}

TEST(Riding, AgreesInEveryPrecision) {
  if (!test::has_gpu()) GTEST_SKIP() << "there is no GPU";
  const auto right = test::run(normed(), {.backend = plan::Backend::reference_f64});
  for (const auto& [precision, bound] : {std::pair{plan::Precision::tf32, 5e-3},
                                         {plan::Precision::f16, 5e-3},
                                         {plan::Precision::bf16, 4e-2}}) {
    const plan::Options options{.backend = plan::Backend::gpu, .precision = precision};
    EXPECT_LT(relative_l2(test::run(normed(), options), right), bound)
        << plan::to_string(precision);
  }
}

TEST(Riding, KnowsNoThreads) {
  const auto one = test::run(normed(), {}, 1);
  EXPECT_EQ(test::run(normed(), {}, 3), one);
}

/// The slot of the moments that a step leaves, or that it reads; -1 for none.
int moments_of(const plan::PlanStep& step) {
  const auto* statistics = step.work.op().as<norm::Desc>();
  if (statistics != nullptr) return statistics->moments_of > 0 ? step.inputs[0].region.slot : -1;
  return step.outputs.size() > 1 ? step.outputs[1].region.slot : -1;
}

const plan::PlanStep& step_named(const plan::Plan& plan, const std::string& name) {
  for (const plan::PlanStep& step : plan.steps) {
    if (std::ranges::find(step.names, name) != step.names.end()) return step;
  }
  throw std::runtime_error("the plan has no " + name);
}

TEST(Riding, MomentsLiveUntilTheyAreGathered) {
  const plan::Plan plan = plan::make(normed(), {});
  int riding = 0;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const plan::PlanStep& step = plan.steps[i];
    if (step.work.op().as<norm::Desc>() != nullptr) {
      EXPECT_EQ(step.workspace, -1);
      ASSERT_GE(moments_of(step), 0) << step.names.back();
      const plan::Slot& slot = plan.slots[static_cast<size_t>(moments_of(step))];
      EXPECT_EQ(slot.last, static_cast<int>(i));
      EXPECT_EQ(moments_of(plan.steps[static_cast<size_t>(slot.first)]), moments_of(step));
      EXPECT_EQ(step.inputs[0].shape.n(), 2);
      EXPECT_EQ(slot.bytes, 4 * step.inputs[0].shape.elements());
      ++riding;
    }
  }
  EXPECT_EQ(riding, 4);
  EXPECT_EQ(moments_of(step_named(plan, "conv5")), -1);  // nobody asks
}

TEST(Riding, IsTheSameArithmetic) {
  // Of everything but the steps, which count where they are an op of their own.
  const auto flops = [](const plan::Plan& plan) {
    int64_t sum = 0;
    for (const plan::PlanStep& step : plan.steps) {
      if (step.work.op().as<elementwise::Desc>() == nullptr) sum += step.flops;
    }
    return sum;
  };
  plan::Options apart;
  apart.passes.fuse = false;
  EXPECT_EQ(flops(plan::make(normed(), {})), flops(plan::make(normed(), apart)));
}

TEST(Riding, TwoNormsOfOneConvolutionShareItsMoments) {
  Toy t({1, 4, 9, 9});
  const Value x = t.conv(t.x, "conv", {.out_channels = 8, .kernel = 3});
  const Value a = t.group_norm(x, "a", 8);
  const Value b = t.group_norm(x, "b", 2);
  t.graph.output("y", t.add(a, b, "sum"));
  const plan::Plan plan = plan::make(t.graph, {});
  const plan::PlanStep& first = step_named(plan, "a.statistics");
  const plan::PlanStep& second = step_named(plan, "b.statistics");
  EXPECT_GE(moments_of(first), 0);
  EXPECT_EQ(moments_of(first), moments_of(second));
  EXPECT_EQ(moments_of(step_named(plan, "conv")), moments_of(first));
  EXPECT_EQ(plan.slots[static_cast<size_t>(moments_of(first))].last,
            int(&second - plan.steps.data()));
  const auto right = test::run(t.graph, {.backend = plan::Backend::reference_f64});
  EXPECT_LT(relative_l2(test::run(t.graph, {}), right), 2e-6);
}

TEST(Riding, OnlyWhereSomebodyComputesWhatIsAskedAbout) {
  Toy t({1, 4, 9, 9});
  Value x = t.group_norm(t.x, "of_the_input", 4);
  x = t.conv(x, "conv", {.out_channels = 6, .kernel = 3});
  const Value y = t.relu(x, "relu");  // its values, not the convolution's, are asked about
  t.graph.output("y", t.add(t.group_norm(y, "of_a_step", 3), x, "sum"));
  t.graph.output("x", x);
  for (const plan::Backend backend : {plan::Backend::cpu, plan::Backend::reference_f32}) {
    const plan::Plan plan = plan::make(t.graph, {.backend = backend});
    for (const plan::PlanStep& step : plan.steps) EXPECT_EQ(moments_of(step), -1);
  }
  // The definitions read the picture whatever has computed it.
  const plan::Plan defined = plan::make(normed(), {.backend = plan::Backend::reference_f64});
  for (const plan::PlanStep& step : defined.steps) EXPECT_EQ(moments_of(step), -1);
}

}  // namespace
}  // namespace kintsugi
