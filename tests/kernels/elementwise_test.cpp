// SPDX-License-Identifier: MIT
#include "kernels/elementwise/elementwise.h"

#include "kernels/conv2d/conv2d.h"
#include "tests/kernels/support.h"

namespace kintsugi::elementwise {
namespace {

using test::close;
using test::OperandSet;
using test::Random;
using test::same_bits;
using test::Tensor;

/// Random inputs of a step list, and its result by either backend.
struct Problem {
  Desc desc;
  Tensor<float> input;
  OperandSet<float> operands;

  Problem(const Steps& steps, const Shape& shape, int64_t gap = 0)
      : Problem(steps, shape, gap, Random(3)) {}

  [[nodiscard]] Tensor<float> reference() const {
    Tensor<float> output(output_shape(desc, input.shape()));
    const auto bound = operands.bind();
    elementwise::reference<float>(desc, {input.view(), bound, output.view()}, test::threads());
    return output;
  }
  [[nodiscard]] Tensor<float> cpu(Parallel& parallel = test::threads(), int64_t gap = 0) const {
    Tensor<float> output(output_shape(desc, input.shape()), gap);
    const auto bound = operands.bind();
    elementwise::cpu(desc, simd::chosen(), {input.view(), bound, output.view()}, parallel);
    return output;
  }

 private:
  Problem(const Steps& steps, const Shape& shape, int64_t gap, Random random)
      : desc{steps},
        input(Tensor<float>::random(shape, random, gap)),
        operands(steps, output_shape(desc, shape), random) {}
};

TEST(ElementwiseShape, IsTheInputs) {
  const Desc desc{{step::add(Extent::tensor), step::activate(Function::relu)}};
  EXPECT_EQ(output_shape(desc, {2, 3, 4, 5}), (Shape{2, 3, 4, 5}));
  EXPECT_EQ(test::error_of([&] {
              (void)output_shape(desc, {3, 4, 5});
            }),
            "elementwise: add tensor, relu: the input [3, 4, 5] is not [N, C, H, W]");
  EXPECT_EQ(test::error_of([&] {
              (void)output_shape(desc, {1, 3, 0, 5});
            }),
            "elementwise: add tensor, relu: the input [1, 3, 0, 5] has no element");
}

TEST(ElementwiseCost, CountsOperands) {
  const Desc desc{{step::affine(Extent::channel), step::add(Extent::tensor)}};
  EXPECT_EQ(flops(desc, {1, 8, 4, 4}), 3 * 128);
  EXPECT_EQ(bytes(desc, {1, 8, 4, 4}, 4), 4 * (2 * 128 + 2 * 8 + 128));
}

TEST(ElementwiseReference, KnownNumbers) {
  Tensor<float> input({1, 1, 1, 3});
  input.for_each([](int64_t, int64_t c, int64_t, int64_t x, float& v) {
    v = c > 0 ? 0.0f : static_cast<float>(x) - 1.0f;  // -1 0 1
  });
  Tensor<float> output({1, 1, 1, 3});
  const Desc desc{{step::mul(4.0f), step::activate(Function::leaky_relu, 0.25f), step::add(1.0f),
                   step::clamp(0.5f, 4.5f)}};
  reference<float>(desc, {input.view(), {}, output.view()}, test::threads());
  EXPECT_EQ(output.view().at(0, 0, 0, 0), 0.5f);  // -1 -> -4 -> -1 -> 0, clamped
  EXPECT_EQ(output.view().at(0, 0, 0, 1), 1.0f);
  EXPECT_EQ(output.view().at(0, 0, 0, 2), 4.5f);  // 1 -> 4 -> 5, clamped
}

TEST(ElementwiseCpu, EveryStepOnEveryShape) {
  for (const Step& step : test::every_step()) {
    for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 7}, Shape{1, 17, 3, 40},
                               Shape{3, 36, 2, 130}, Shape{1, 4100, 2, 3}}) {
      const Problem p({step}, shape, 4);
      Tensor<float> output = p.cpu(test::threads(), 8);
      EXPECT_TRUE(close(output.view(), p.reference().view()))
          << to_string(p.desc) << " " << shape.to_string();
      EXPECT_TRUE(test::pads_are_zero(output)) << to_string(p.desc);
    }
  }
}

TEST(ElementwiseCpu, EightStepsInOrderAndInPlace) {
  Problem p({step::mul(Extent::pixel), step::add(Extent::channel), step::activate(Function::silu),
             step::affine(Extent::sample_channel), step::add(Extent::tensor), step::mul(0.5f),
             step::activate(Function::tanh), step::clamp(-0.25f, 0.5f)},
            {2, 19, 6, 11});
  const Tensor<float> expected = p.reference();
  const Tensor<float> apart = p.cpu();
  EXPECT_TRUE(close(apart.view(), expected.view()));
  const auto bound = p.operands.bind();
  cpu(p.desc, simd::chosen(), {p.input.view(), bound, p.input.view()}, test::threads());
  EXPECT_TRUE(same_bits(p.input.data(), apart.data()));
}

TEST(ElementwiseCpu, FunctionsAreAccurateEverywhere) {
  // Each value for itself: an L2 norm would let small results be wrong.
  Tensor<float> input({1, 1, 1, 4001});
  const auto at = [](int64_t i) {  // both signs, 1e-10 to 100, and zero
    const double magnitude = std::pow(10.0, static_cast<double>((i % 2000) - 1666) / 166.6);
    return static_cast<float>(i == 4000 ? 0.0 : i < 2000 ? magnitude : -magnitude);
  };
  input.for_each([&](int64_t, int64_t c, int64_t, int64_t x, float& v) { v = c > 0 ? 0 : at(x); });
  for (const Function function :
       {Function::elu, Function::sigmoid, Function::tanh, Function::silu}) {
    const Desc desc{{step::activate(function)}};
    Tensor<float> output(input.shape());
    cpu(desc, simd::chosen(), {input.view(), {}, output.view()}, test::threads());
    for (int64_t i = 0; i < 4001; ++i) {
      const double expected = evaluate(function, static_cast<double>(at(i)), 0);
      EXPECT_NEAR(static_cast<double>(output.view().at(0, 0, 0, i)), expected,
                  4e-7 * std::abs(expected) + 1e-36)
          << to_string(function) << " of " << at(i);
    }
  }
}

TEST(ElementwiseCpu, NeverHidesNaN) {
  for (const Step& step : test::every_step()) {
    Problem p({step}, {1, 5, 2, 3});
    p.input.view().at(0, 4, 1, 1) = std::numeric_limits<float>::quiet_NaN();
    const Tensor<float> output = p.cpu();
    EXPECT_TRUE(std::isnan(output.view().at(0, 4, 1, 1))) << to_string(p.desc);
    EXPECT_FALSE(std::isnan(output.view().at(0, 3, 1, 1))) << to_string(p.desc);
  }
}

TEST(ElementwiseCpu, GatesPairTheHalves) {
  const Step gate = step::gate(Function::leaky_relu, Function::sigmoid, 0.2f);
  // Whatever the halves' distance is in granules; the last pass through scratch more than once.
  for (const int64_t k : {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 16, 21, 24, 33, 70, 1023, 2050, 4097}) {
    for (const int64_t gap : {0, 4}) {
      const Problem p({step::add(Extent::channel), gate, step::mul(Extent::tensor)},
                      {2, 2 * k, 2, 5}, gap);
      Tensor<float> output = p.cpu(test::threads(), gap);
      EXPECT_EQ(output.shape(), (Shape{2, k, 2, 5}));
      EXPECT_TRUE(close(output.view(), p.reference().view())) << k;
      EXPECT_TRUE(test::pads_are_zero(output)) << k;
    }
  }
}

TEST(ElementwiseCpu, EveryStepBeforeAGateAndBehind) {
  const Step gate = step::gate(Function::identity, Function::silu);
  for (const Step& step : test::every_step()) {
    for (const Steps& steps : {Steps{step, gate}, Steps{gate, step}}) {
      const Problem p(steps, {2, 18, 3, 5}, 4);
      Tensor<float> output = p.cpu();
      EXPECT_TRUE(close(output.view(), p.reference().view())) << to_string(p.desc);
      EXPECT_TRUE(test::pads_are_zero(output)) << to_string(p.desc);
    }
  }
}

TEST(ElementwiseCpu, RoundsAsAnEpilogueDoes) {
  // A convolution by the identity with the steps fused, and the steps alone.
  Problem p({step::affine(Extent::channel), step::activate(Function::elu)}, {2, 20, 3, 17});
  const conv2d::Desc identity{.in_channels = 20, .out_channels = 20, .epilogue = p.desc.steps};
  std::vector<float> weight(400, 0.0f);
  for (size_t k = 0; k < 20; ++k) weight[k * 21] = 1.0f;
  const auto config = conv2d::choose(identity, p.input.shape(), simd::chosen());
  std::vector<float> packed(static_cast<size_t>(conv2d::packed_elements(identity, config)));
  conv2d::pack(identity, config, weight, packed);
  Tensor<float> fused(p.input.shape());
  const auto bound = p.operands.bind();
  conv2d::cpu(identity, config, {p.input.view(), packed, bound, fused.view()}, test::threads());
  EXPECT_TRUE(same_bits(fused.data(), p.cpu().data()));
}

TEST(ElementwiseCpu, SameBitsForAnyThreadCount) {
  const Problem p({step::activate(Function::tanh)}, {3, 24, 40, 70});
  ThreadPool one(1), three(3);
  const Tensor<float> two = p.cpu();
  EXPECT_TRUE(same_bits(p.cpu(one).data(), two.data()));
  EXPECT_TRUE(same_bits(p.cpu(three).data(), two.data()));
}

// The kernel, driven by a description or an operand that is wrong in one place, must not pass.

TEST(ElementwisePlantedError, EveryWrongListFails) {
  const Step mul = step::mul(0.999f), add = step::add(0.01f), relu = step::activate(Function::relu);
  const Shape shape{1, 8, 16, 16};
  const Tensor<float> expected = Problem({mul, add, relu}, shape).reference();
  const auto by = [&](const Steps& steps) {
    return close(Problem(steps, shape).cpu().view(), expected.view());
  };
  EXPECT_TRUE(by({mul, add, relu}));
  EXPECT_FALSE(by({add, mul, relu}));  // exchanged
  EXPECT_FALSE(by({mul, relu, add}));
  EXPECT_FALSE(by({mul, add}));  // dropped, last, middle and first
  EXPECT_FALSE(by({mul, relu}));
  EXPECT_FALSE(by({add, relu}));
  EXPECT_FALSE(by({mul, add, relu, relu, add}));       // one too many
  EXPECT_FALSE(by({mul, step::add(0.01001f), relu}));  // a constant in its last digits
}

TEST(ElementwisePlantedError, OperandsOfTheNextPixelOrChannelFail) {
  for (const Extent extent : {Extent::channel, Extent::pixel, Extent::tensor}) {
    const Problem p({step::mul(extent)}, {1, 8, 16, 16});
    Random random(9);
    const OperandSet<float> larger(p.desc.steps, {1, 12, 17, 16}, random);
    const auto bound = larger.bind();
    auto shifted = bound;
    shifted[0].data += extent == Extent::channel ? 1 : bound[0].pitch;
    Tensor<float> expected(p.input.shape()), output(p.input.shape());
    reference<float>(p.desc, {p.input.view(), bound, expected.view()}, test::threads());
    cpu(p.desc, simd::chosen(), {p.input.view(), bound, output.view()}, test::threads());
    EXPECT_TRUE(close(output.view(), expected.view())) << to_string(p.desc);
    cpu(p.desc, simd::chosen(), {p.input.view(), shifted, output.view()}, test::threads());
    EXPECT_FALSE(close(output.view(), expected.view())) << to_string(p.desc);
  }
}

}  // namespace
}  // namespace kintsugi::elementwise
