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

/// Random inputs of a step list.
struct Problem {
  Desc desc;
  Tensor<float> input;
  OperandSet<float> operands;

  Problem(const Steps& steps, const Shape& shape, Random random = Random(3))
      : desc{steps},
        input(Tensor<float>::random(shape, random)),
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
  const Desc prelu{{step::prelu(Extent::channel)}};
  EXPECT_EQ(flops(prelu, {1, 8, 4, 4}), 128);
  EXPECT_EQ(bytes(prelu, {1, 8, 4, 4}, 4), 4 * (2 * 128 + 8));
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

TEST(ElementwiseCpu, FunctionsAreAccurateEverywhere) {
  const std::vector<float> arguments = test::function_arguments();
  Tensor<float> input({1, 1, 1, static_cast<int64_t>(arguments.size())});
  input.for_each([&](int64_t, int64_t c, int64_t, int64_t x, float& v) {
    v = c > 0 ? 0 : arguments[static_cast<size_t>(x)];
  });
  for (const Function function : kFunctions) {
    const Desc desc{{step::activate(function, 0.2f)}};
    Tensor<float> output(input.shape());
    cpu(desc, simd::chosen(), {input.view(), {}, output.view()}, test::threads());
    const double relative = function == Function::gelu ? 5e-7 : 4e-7;
    test::expect_function(function, arguments, output.view(), 0.2f, relative, 1e-36);
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
  conv2d::pack(identity, config, {0, 20}, weight, packed);
  Tensor<float> fused(p.input.shape()), alone(p.input.shape());
  const auto bound = p.operands.bind();
  conv2d::cpu(identity, config, {p.input.view(), packed, bound, fused.view()}, test::threads());
  cpu(p.desc, simd::chosen(), {p.input.view(), bound, alone.view()}, test::threads());
  EXPECT_TRUE(same_bits(fused.data(), alone.data()));
}

TEST(ElementwisePlantedError, OperandsOfTheNextPixelOrChannelFail) {
  for (const Extent extent : {Extent::channel, Extent::pixel, Extent::tensor}) {
    const Problem p({step::mul(extent)}, {1, 8, 16, 16});
    Random random(9);
    const OperandSet<float> larger(p.desc.steps, {1, 12, 17, 16}, random);
    const auto bound = larger.bind();
    auto shifted = bound;
    shifted[0].data =
        static_cast<const float*>(bound[0].data) + (extent == Extent::channel ? 1 : bound[0].pitch);
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
