// SPDX-License-Identifier: MIT
#include "kernels/core/steps.h"

#include "tests/kernels/support.h"

namespace kintsugi {
namespace {

/// One value after steps that have no gate among them.
double after(const Steps& steps, Operands operands, double value, const Position& at = {}) {
  return apply_steps<double>(
      steps, operands, [&](int64_t) { return value; }, at, 1);
}

TEST(Steps, KeepTheirOrderAndPrint) {
  Steps steps{step::mul(Extent::pixel), step::affine(Extent::channel)};
  steps.append(step::activate(Function::leaky_relu, 0.2f));
  steps.append(step::clamp(0, 1));
  steps.append(step::add(0.5f));
  EXPECT_EQ(to_string(steps), "mul pixel, affine channel, leaky_relu 0.2, clamp [0, 1], add 0.5");
  EXPECT_EQ(steps.operand_count(), 3);
  EXPECT_EQ(steps, steps);
  EXPECT_FALSE(steps == Steps{});
}

TEST(Steps, PreluPrintsAndReadsItsSlope) {
  EXPECT_EQ(to_string(Steps{step::prelu(0.25f), step::prelu(Extent::channel)}),
            "prelu 0.25, prelu channel");
  const std::vector<double> slope{0.5, -2, 3, 0};
  const std::vector<Operand> operands{{slope.data(), 4}};
  EXPECT_EQ(after({step::prelu(Extent::channel)}, operands, -3, {.k = 1}), 6);
  EXPECT_EQ(after({step::prelu(Extent::channel)}, operands, 3, {.k = 1}), 3);
  EXPECT_EQ(after({step::prelu(0.25f)}, {}, -3), -0.75);
  EXPECT_EQ(step::prelu(0.25f).operand_count(), 0);
  EXPECT_EQ(step::prelu(Extent::channel).operand_count(), 1);
}

TEST(Steps, HoldEight) {
  Steps steps;
  for (int i = 0; i < Steps::kMaxSteps; ++i) steps.append(step::add(1.0f));
  EXPECT_TRUE(steps.full());
  EXPECT_EQ(test::error_of([&] { steps.append(step::add(1.0f)); }),
            "a step list holds at most eight steps");
}

TEST(Steps, ReadTheirOperandsInOrder) {
  // The element at sample 1, channel 2, pixel (0, 1) of a [2, 3, 1, 2] tensor.
  const Position at{.n = 1, .k = 2, .y = 0, .x = 1, .h = 1, .w = 2};
  const std::vector<double> channel{10, 20, 30, 0};
  const std::vector<double> sample_channel{1, 2, 3, 0, 4, 5, 6, 0};
  const std::vector<double> pixel{1, 2, 3, 4};
  std::vector<double> tensor(16, -1.0);
  tensor[(1 * 2 + 1) * 4 + 2] = 7;
  const std::vector<Operand> operands{{channel.data(), 4},
                                      {sample_channel.data(), 4},
                                      {sample_channel.data(), 4},
                                      {pixel.data(), 1},
                                      {tensor.data(), 4}};
  const Steps steps{step::add(Extent::channel), step::affine(Extent::sample_channel),
                    step::mul(Extent::pixel), step::add(Extent::tensor)};
  EXPECT_EQ(after(steps, operands, 1.0, at), ((1.0 + 30) * 6 + 6) * 4 + 7);
}

TEST(Steps, GatePairsTheHalves) {
  // Channel 1 of two, of four before: bias, feature * sigmoid(gate), and a step behind.
  const std::vector<double> bias{1, 2, 3, 4}, factor{10, 100};
  const std::vector<Operand> operands{{bias.data(), 4}, {factor.data(), 4}};
  const Steps steps{step::add(Extent::channel),
                    step::gate(Function::leaky_relu, Function::sigmoid, 0.5f),
                    step::mul(Extent::channel)};
  EXPECT_EQ(to_string(steps), "add channel, gate leaky_relu 0.5 sigmoid, mul channel");
  EXPECT_EQ(steps.gate(), 1);
  const std::vector<double> before{-1, -4, 7, -4};
  const double value = apply_steps<double>(
      steps, operands, [&](int64_t k) { return before[static_cast<size_t>(k)]; }, {.k = 1}, 2);
  EXPECT_EQ(value, 0.5 * (-4.0 + 2) * 0.5 * 100);
  Steps twice = steps;
  EXPECT_EQ(
      test::error_of([&] { twice.append(step::gate(Function::identity, Function::sigmoid)); }),
      "a step list holds at most one gate");
}

TEST(Functions, AreThoseOfPyTorch) {
  EXPECT_EQ(evaluate(Function::relu, -2, 0), 0);
  EXPECT_EQ(evaluate(Function::relu, 3, 0), 3);
  EXPECT_EQ(evaluate(Function::leaky_relu, -2, 0.25), -0.5);
  EXPECT_DOUBLE_EQ(evaluate(Function::elu, -1, 0), std::exp(-1.0) - 1);
  EXPECT_EQ(evaluate(Function::elu, 2, 0), 2);
  EXPECT_EQ(evaluate(Function::sigmoid, 0, 0), 0.5);
  EXPECT_EQ(evaluate(Function::sigmoid, -1000, 0), 0);
  EXPECT_DOUBLE_EQ(evaluate(Function::tanh, 1, 0), std::tanh(1.0));
  EXPECT_DOUBLE_EQ(evaluate(Function::silu, 1, 0), 1 / (1 + std::exp(-1.0)));
  // By torch.nn.functional in float64.
  EXPECT_DOUBLE_EQ(evaluate(Function::gelu, 1, 0), 0.841344746068543);
  EXPECT_NEAR(evaluate(Function::gelu, -3, 0), -0.00404969409489031, 1e-15);
  EXPECT_DOUBLE_EQ(evaluate(Function::hard_swish, -1, 0), -1.0 / 3);
  EXPECT_EQ(evaluate(Function::hard_swish, -3, 0), 0);
  EXPECT_EQ(evaluate(Function::hard_swish, 5, 0), 5);
  EXPECT_EQ(evaluate(Function::rsqrt, 0.25, 0), 2);
}

TEST(Functions, AreInfiniteAndNaNWherePyTorchIs) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(evaluate(Function::gelu, kInfinity, 0), kInfinity);
  EXPECT_TRUE(std::isnan(evaluate(Function::gelu, -kInfinity, 0)));
  EXPECT_EQ(evaluate(Function::hard_swish, kInfinity, 0), kInfinity);
  EXPECT_TRUE(std::isnan(evaluate(Function::hard_swish, -kInfinity, 0)));
  EXPECT_TRUE(std::isnan(evaluate(Function::rsqrt, -1, 0)));
  EXPECT_EQ(evaluate(Function::rsqrt, 0.0, 0), kInfinity);
  EXPECT_EQ(evaluate(Function::rsqrt, -0.0, 0), -kInfinity);
  EXPECT_EQ(evaluate(Function::rsqrt, kInfinity, 0), 0);
}

TEST(Functions, AreFoundByTheirNames) {
  EXPECT_EQ(kFunctions.size(), 10u);
  for (const Function function : kFunctions) {
    EXPECT_EQ(function_named(to_string(function)), function);
    EXPECT_EQ(takes_slope(function), function == Function::leaky_relu);
  }
  EXPECT_STREQ(to_string(Function::hard_swish), "hard_swish");
  EXPECT_EQ(function_named("swish"), std::nullopt);
  EXPECT_EQ(function_named(""), std::nullopt);
}

TEST(Functions, LetNaNThrough) {
  for (const Step& step : test::every_step()) {
    if (step.operand_count() > 0) continue;
    EXPECT_TRUE(std::isnan(after({step}, {}, std::numeric_limits<double>::quiet_NaN())))
        << to_string(Steps{step});
  }
  for (const Function function : kFunctions) {
    EXPECT_TRUE(std::isnan(evaluate(function, std::numeric_limits<double>::quiet_NaN(), 0.2)))
        << to_string(function);
  }
}

}  // namespace
}  // namespace kintsugi
