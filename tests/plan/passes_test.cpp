// SPDX-License-Identifier: MIT
//
// Every pass can be left out and the result agrees; beside that, what fold and fuse may merge and
// what they must leave alone.
#include "runtime/session/value_check.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using graph::Value;
using test::modules;
using test::relative_l2;
using test::Toy;

conv2d::Desc conv3x3(int64_t channels) {
  return {.out_channels = channels, .kernel = 3, .padding = 1};
}

/// A bit of everything: a border, folds, chains, a residual, a branch, both resolutions.
graph::Graph everything() {
  Toy t({2, 5, 13, 9});
  Value x = t.pad(t.x, "pad", 2, PaddingMode::reflect);
  x = t.conv(x, "conv1", {.out_channels = 18, .kernel = 5, .stride = 2});
  x = t.norm(x, "bn1");
  x = t.relu(x, "relu1");
  Value y = t.conv(x, "conv2", conv3x3(18));
  y = t.norm(y, "bn2");
  y = t.add(y, x, "residual");
  y = t.relu(y, "relu2");
  Value branch = t.norm(y, "branch");  // y has two readers: stays a node of its own
  branch = t.apply(branch, "sigmoid", step::activate(Function::sigmoid), {});
  y = t.deconv(y, "deconv", {.out_channels = 7, .kernel = 4, .stride = 2, .padding = 1});
  y = t.relu(y, "relu3");
  y = t.norm(y, "bn3");  // after a ReLU: no fold, but a step like any other
  t.graph.output("y", y);
  t.graph.output("branch", branch);
  return t.graph;
}

TEST(Passes, LeavingAnyOutAgrees) {
  const graph::Graph graph = everything();
  const auto all = test::run(graph, {.backend = plan::Backend::reference_f64});
  std::vector<plan::Backend> backends = {plan::Backend::reference_f64, plan::Backend::reference_f32,
                                         plan::Backend::cpu};
  if (test::has_gpu()) backends.push_back(plan::Backend::gpu);
  for (const plan::Backend backend : backends) {
    const double bound = backend == plan::Backend::reference_f64 ? 1e-7 : 2e-6;
    for (int out = 0; out < 7; ++out) {
      plan::Options options{.backend = backend};
      if (out == 1) options.passes.fold = false;
      if (out == 2) options.passes.fuse = false;
      if (out == 3) options.passes.select = false;
      if (out == 4) options.passes.layout = false;
      if (out == 5) options.passes.place = false;
      if (out == 6) options.keep_all = true;
      EXPECT_LT(relative_l2(test::run(graph, options), all), bound)
          << "backend " << int(backend) << ", pass " << out;
    }
  }
}

TEST(Passes, AGpuStoresWhatItIsTold) {
  if (!test::has_gpu()) GTEST_SKIP() << "there is no GPU";
  const auto right = test::run(everything(), {.backend = plan::Backend::reference_f64});
  for (const auto& [precision, bound] : {std::pair{plan::Precision::tf32, 2e-3},
                                         {plan::Precision::f16, 3e-3},
                                         {plan::Precision::bf16, 2e-2}}) {
    const plan::Options options{.backend = plan::Backend::gpu, .precision = precision};
    const double error = relative_l2(test::run(everything(), options), right);
    EXPECT_LT(error, bound) << plan::to_string(precision);
    EXPECT_GT(error, 1e-5) << plan::to_string(precision) << " is f32 under another name";
  }
}

TEST(Passes, SameBitsForAnyThreadCount) {
  const auto one = test::run(everything(), {}, 1);
  EXPECT_EQ(test::run(everything(), {}, 2), one);
  EXPECT_EQ(test::run(everything(), {}, 3), one);
}

// A convolution that select runs in Winograd's form, with its scratch in the arena.

graph::Graph wide() {
  Toy t({2, 32, 36, 40});
  const Value a = t.relu(t.conv(t.x, "a", {.out_channels = 48, .kernel = 3, .padding = 1}), "relu");
  t.graph.output("y",
                 t.conv(a, "b", {.out_channels = 40, .kernel = 3, .dilation = 2, .padding = 2}));
  return t.graph;
}

bool runs_winograd(const plan::PlanStep& step) {
  return std::get<conv2d::CpuConfig>(step.work.config_of<conv2d::Op>()).algorithm ==
         conv2d::Algorithm::winograd;
}

TEST(Winograd, AgreesAndCanBeLeftOut) {
  const auto right = test::run(wide(), {.backend = plan::Backend::reference_f64});
  EXPECT_LT(relative_l2(test::run(wide(), {.threads = 2}, 2), right), 2e-5);
  plan::Options options;
  options.passes.winograd = false;
  EXPECT_LT(relative_l2(test::run(wide(), options), right), 2e-6);
  const plan::Plan direct = plan::make(wide(), options);
  for (const plan::PlanStep& step : direct.steps) {
    EXPECT_FALSE(runs_winograd(step));
    EXPECT_EQ(step.workspace, -1);
  }
}

TEST(Winograd, ThreadsChangeItsScratchAndNothingElse) {
  const auto one = test::run(wide(), {}, 1);
  for (const int planned : {1, 2, 3}) {
    const plan::Plan plan = plan::make(wide(), {.threads = planned});
    for (const plan::PlanStep& step : plan.steps) {
      EXPECT_TRUE(runs_winograd(step));
      ASSERT_GE(step.workspace, 0);
      const auto& desc = *step.work.op().as<conv2d::Desc>();
      const auto& config = std::get<conv2d::CpuConfig>(step.work.config_of<conv2d::Op>());
      EXPECT_EQ(plan.slots[static_cast<size_t>(step.workspace)].bytes,
                conv2d::workspace_elements(desc, config, step.inputs[0].shape, planned) * 4);
    }
    for (const int threads : {1, 3}) {
      EXPECT_EQ(test::run(wide(), {.threads = planned}, threads), one);
    }
  }
}

TEST(Winograd, ItsWeightsAreACopyOfTheirOwn) {
  plan::Options direct;
  direct.passes.winograd = false;
  const plan::Plan a = plan::make(wide(), {}), b = plan::make(wide(), direct);
  EXPECT_NE(a.packed[0].identity, b.packed[0].identity);
  EXPECT_EQ(a.packed[0].bytes, 4 * b.packed[0].bytes);
}

// The check that dead memory is NaN is worth something only if a plan that reads it fails.
TEST(Passes, AWrongPlacementShows) {
  for (const plan::Backend backend : {plan::Backend::reference_f32, plan::Backend::gpu}) {
    plan::Options options{.backend = backend};
    if (backend == plan::Backend::gpu) {
      if (!test::has_gpu()) continue;
      options.gpu = device::info();
    }
    plan::Plan plan = plan::make(everything(), options);
    const int victim = plan.steps.back().inputs[0].region.slot;
    plan.slots[static_cast<size_t>(victim)].last = plan.slots[static_cast<size_t>(victim)].first;
    test::Bound bound(std::move(plan));
    execute::Executor& executor = *bound.executor;
    executor.write_input(
        executor.plan().inputs[0].value,
        [](int64_t, int64_t, std::span<float> row) { std::ranges::fill(row, 1.0f); });
    executor.run({});
    EXPECT_TRUE(session::check_values(executor.readable(executor.plan().steps.back().outputs[0]),
                                      bound.pool)
                    .not_finite.has_value());
  }
}

TEST(Fold, NormAfterConvolution) {
  Toy t({1, 3, 8, 8});
  t.graph.output("y", t.relu(t.norm(t.conv(t.x, "conv", conv3x3(4)), "bn"), "relu"));
  plan::fold(t.graph);
  EXPECT_EQ(modules(t.graph), "conv+bn relu");
}

TEST(Fold, NormAfterTransposedConvolutionWithoutBias) {
  Toy t({1, 3, 8, 8});
  const auto deconv = t.deconv(t.x, "deconv", {.out_channels = 4, .kernel = 2, .stride = 2});
  t.graph.output("y", t.norm(deconv, "bn"));
  plan::fold(t.graph);
  EXPECT_EQ(modules(t.graph), "deconv+bn");
}

TEST(Fold, NotAcrossAnActivation) {
  Toy t({1, 3, 8, 8});
  t.graph.output("y", t.norm(t.relu(t.conv(t.x, "conv", conv3x3(4)), "relu"), "bn"));
  plan::fold(t.graph);
  EXPECT_EQ(modules(t.graph), "conv relu bn");
}

TEST(Fold, NotWhenSomebodyElseReadsTheConvolution) {
  Toy t({1, 3, 8, 8});
  const Value conv = t.conv(t.x, "conv", conv3x3(4));
  t.graph.output("y", t.norm(conv, "bn"));
  t.graph.output("raw", conv);
  plan::fold(t.graph);
  EXPECT_EQ(modules(t.graph), "conv bn");
}

TEST(Fuse, AChainInOrder) {
  Toy t({1, 3, 8, 8});
  Value x = t.conv(t.x, "conv", conv3x3(4));
  x = t.add(t.norm(x, "bn"), t.conv(t.x, "other", conv3x3(4)), "add");
  t.graph.output("y", t.relu(x, "relu"));
  plan::fuse(t.graph);
  // The merged node stands where its last reader stood: after the other convolution.
  ASSERT_EQ(modules(t.graph), "other conv+bn+add+relu");
  EXPECT_EQ(to_string(*t.graph.nodes.back().op()->steps()),
            "add channel, affine channel, add tensor, relu");
}

TEST(Fuse, AResidualInEitherSpelling) {
  for (const bool block_first : {true, false}) {
    Toy t({1, 4, 8, 8});
    const Value x = t.conv(t.x, "in", conv3x3(4));
    const Value block = t.conv(x, "block", conv3x3(4));
    t.graph.output("y", block_first ? t.add(block, x, "add") : t.add(x, block, "add"));
    t.graph.output("x", x);
    const auto whole = test::run(t.graph, {.passes = {.fuse = false}});
    plan::fuse(t.graph);
    EXPECT_EQ(modules(t.graph), "in block+add");
    EXPECT_LT(relative_l2(test::run(t.graph, {}), whole), 2e-6);
  }
}

TEST(Fuse, NotWithTwoReaders) {
  Toy t({1, 3, 8, 8});
  const Value conv = t.conv(t.x, "conv", conv3x3(4));
  t.graph.output("a", t.relu(conv, "relu"));
  t.graph.output("b", t.norm(conv, "bn"));
  plan::fuse(t.graph);
  EXPECT_EQ(modules(t.graph), "conv relu bn");
}

TEST(Fuse, AtMostEightSteps) {
  Toy t({1, 3, 8, 8});
  Value x = t.conv(t.x, "conv", conv3x3(4));  // its bias is the first step
  for (int i = 0; i < 9; ++i) x = t.relu(x, "relu" + std::to_string(i));
  t.graph.output("y", x);
  plan::fuse(t.graph);
  EXPECT_EQ(modules(t.graph), "conv+relu0+relu1+relu2+relu3+relu4+relu5+relu6 relu7+relu8");
}

TEST(Fuse, APadIntoAllItsConvolutions) {
  Toy t({1, 3, 8, 8});
  const Value padded = t.pad(t.x, "pad", 1, PaddingMode::reflect);
  t.graph.output("a", t.conv(padded, "a", {.out_channels = 4, .kernel = 3}));
  t.graph.output("b", t.conv(padded, "b", {.out_channels = 5, .kernel = 3}));
  plan::fuse(t.graph);
  ASSERT_EQ(modules(t.graph), "pad+a pad+b");
  const auto& conv = *t.graph.nodes.back().as<conv2d::Desc>();
  EXPECT_EQ(conv.padding, Pair(1));
  EXPECT_EQ(conv.padding_mode, PaddingMode::reflect);
}

TEST(Fuse, NotAPadThatSomebodyElseReads) {
  Toy t({1, 3, 8, 8});
  const Value padded = t.pad(t.x, "pad", 1, PaddingMode::zero);
  t.graph.output("a", t.conv(padded, "a", {.out_channels = 4, .kernel = 3}));
  t.graph.output("b", t.relu(padded, "relu"));
  plan::fuse(t.graph);
  EXPECT_EQ(modules(t.graph), "pad a relu");
}

TEST(Fuse, NotAPadThatAThirdNodeReads) {
  Toy t({1, 3, 8, 8});
  const Value padded = t.pad(t.x, "pad", 1, PaddingMode::zero);
  t.graph.output("a", t.conv(padded, "a", {.out_channels = 4, .kernel = 3}));
  t.graph.output("b", t.conv(padded, "b", {.out_channels = 4, .kernel = 3}));
  t.graph.output("c", t.relu(padded, "relu"));
  plan::fuse(t.graph);
  EXPECT_EQ(modules(t.graph), "pad a b relu");
}

TEST(Fuse, NotAPadIntoAConvolutionThatPadsItself) {
  Toy t({1, 3, 8, 8});
  const Value padded = t.pad(t.x, "pad", 1, PaddingMode::zero);
  t.graph.output("a", t.conv(padded, "a", conv3x3(4)));
  plan::fuse(t.graph);
  EXPECT_EQ(modules(t.graph), "pad a");
}

// It halves the channels, so it has no place in a prologue; nothing is asked about the wider picture.
TEST(Fuse, NotAGateIntoTheConvolutionThatReadsIt) {
  for (const int64_t channels : {3, 32}) {  // direct, and Winograd's form, which has prologues
    Toy t({1, 2 * channels, 40, 40});
    const Value gated = t.apply(t.x, "gate", step::gate(Function::elu, Function::sigmoid), {});
    t.graph.output(
        "y", t.conv(gated, "conv", {.out_channels = 3 * channels, .kernel = 3, .padding = 1}));
    const auto right = test::run(t.graph, {.backend = plan::Backend::reference_f64});
    EXPECT_LT(relative_l2(test::run(t.graph, {}), right), 2e-5) << channels;
    plan::fuse(t.graph, {.isa = simd::chosen()});
    EXPECT_EQ(modules(t.graph), "gate conv");
  }
}

// A tensor operand is one like any other: a wrong one is a sentence, not a read out of bounds.
TEST(Record, StepsMustFindOperandsThatFit) {
  Toy t({1, 4, 8, 8});
  const Value small = t.conv(t.x, "small", {.out_channels = 1, .kernel = 3, .stride = 4});
  const auto refuses = [&](const Step& step, std::vector<graph::Operand> operands) {
    try {
      t.apply(t.x, "mul", step, std::move(operands));
      ADD_FAILURE() << "recorded";
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_NE(refuses(step::mul(Extent::pixel), {small})
                .find("the step 'mul pixel' cannot read [1, 1, 2, 2] beside [1, 4, 8, 8]"),
            std::string::npos);
  EXPECT_NE(refuses(step::add(Extent::channel), {t.random({5})}).find("cannot read [5]"),
            std::string::npos);
  EXPECT_NE(refuses(step::add(Extent::tensor), {}).find("its steps read 1 operands, not 0"),
            std::string::npos);
  EXPECT_NE(refuses(step::add(1.0f), {t.x}).find("its steps read 0 operands, not 1"),
            std::string::npos);
}

TEST(Select, LeftOutTakesThePlainestTile) {
  Toy t({1, 3, 8, 8});
  t.graph.output("y", t.conv(t.x, "conv", conv3x3(64)));
  const auto works = plan::select(t.graph, {.isa = simd::chosen(), .passes = {.select = false}});
  const auto& config = std::get<conv2d::CpuConfig>(works.back().config_of<conv2d::Op>());
  EXPECT_EQ(config.isa, simd::available().front());
  EXPECT_EQ(config.tile_pixels, 1);
  EXPECT_EQ(config.vectors, 1);
}

TEST(Make, RefusesWhatOverflows) {
  Toy t({int64_t{1} << 30, 1, int64_t{1} << 30, 1});
  EXPECT_THROW(
      {
        t.graph.output("y", t.relu(t.x, "relu"));
        (void)plan::make(t.graph, {});
      },
      Error);
}

TEST(Record, AMisfitNamesModuleAndLine) {
  Toy t({1, 3, 2, 2});
  try {
    t.conv(t.x, "deep", {.out_channels = 4, .kernel = 5});
    FAIL() << "a 5x5 kernel fits no 2x2 picture";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::mismatch);
    EXPECT_TRUE(std::string(error.what()).starts_with("deep (")) << error.what();
    EXPECT_NE(std::string(error.what()).find("leaves no output pixel"), std::string::npos);
  }
}

}  // namespace
}  // namespace kintsugi
