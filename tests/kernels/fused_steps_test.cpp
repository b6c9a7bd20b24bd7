// SPDX-License-Identifier: MIT
//
// What is fused into a convolution, against the same as ops of their own: prologues and gates.
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/resample/resample.h"
#include "tests/kernels/conv2d_problem.h"

namespace kintsugi {
namespace {

using test::Tensor;

/// The definitions, one after the other, in double.
Tensor<double> transformed(const Steps& steps, const Tensor<double>& input, Operands operands) {
  const elementwise::Desc desc{.steps = steps};
  Tensor<double> output(output_shape(desc, input.shape()));
  reference<double>(desc, {input.view(), operands, output.view()}, test::threads());
  return output;
}

Tensor<double> enlarged(const Tensor<double>& input, int64_t factor) {
  const resample::Desc desc{.size = {input.shape().h() * factor, input.shape().w() * factor}};
  Tensor<double> output(output_shape(desc, input.shape()));
  reference<double>(desc, {input.view(), output.view()}, test::threads());
  return output;
}

template <class Desc>
struct Trial {
  Desc desc;
  Tensor<double> input;
  std::vector<double> weight;
  test::OperandSet<double> operands;

  Trial(const Desc& d, const Shape& shape, test::Random random = test::Random(7))
      : desc(d),
        input(Tensor<double>::random(shape, random)),
        operands(d.prologue, shape, d.epilogue, output_shape(d, shape), random) {
    for (const float v : random.values(d.weight_shape().elements())) weight.push_back(v);
  }

  [[nodiscard]] Tensor<double> whole() const {
    const auto bound = operands.bind();
    Tensor<double> output(output_shape(desc, input.shape()));
    reference<double>(desc, {input.view(), weight, bound, output.view()}, test::threads());
    return output;
  }
  [[nodiscard]] Tensor<double> apart() const {
    const auto bound = operands.bind();
    const Operands all(bound);
    const auto before = static_cast<size_t>(desc.prologue.steps.operand_count());
    const Tensor<double> stored = transformed(desc.prologue.steps, input, all.first(before));
    const Tensor<double> read = enlarged(stored, desc.prologue.upsample);
    Desc bare = desc;
    bare.prologue = {};
    bare.epilogue = {};
    Tensor<double> sums(output_shape(bare, read.shape()));
    reference<double>(bare, {read.view(), weight, {}, sums.view()}, test::threads());
    return transformed(desc.epilogue, sums, all.subspan(before));
  }
};

TEST(FusedReference, IsItsPartsInOrder) {
  const Prologue norm{.steps = {step::affine(Extent::sample_channel),
                                step::activate(Function::relu), step::mul(Extent::pixel)},
                      .upsample = 2};
  const Steps gated{step::add(Extent::channel), step::gate(Function::elu, Function::sigmoid),
                    step::add(Extent::tensor)};
  const Trial<conv2d::Desc> conv({.in_channels = 5,
                                  .out_channels = 6,
                                  .kernel = 3,
                                  .stride = {1, 2},
                                  .dilation = 2,
                                  .padding = 2,
                                  .padding_mode = PaddingMode::reflect,
                                  .prologue = norm,
                                  .epilogue = gated},
                                 {2, 5, 4, 3});
  EXPECT_EQ(output_shape(conv.desc, conv.input.shape()), Shape({2, 3, 8, 3}));
  EXPECT_TRUE(test::close(conv.whole().view(), conv.apart().view(), 1e-15));
  const Trial<conv_transpose2d::Desc> deconv({.in_channels = 5,
                                              .out_channels = 6,
                                              .kernel = 3,
                                              .stride = 2,
                                              .padding = 1,
                                              .output_padding = 1,
                                              .prologue = {.steps = norm.steps},
                                              .epilogue = gated},
                                             {2, 5, 4, 3});
  EXPECT_TRUE(test::close(deconv.whole().view(), deconv.apart().view(), 1e-15));
}

TEST(FusedContract, AcceptsWhatItMay) {
  const conv2d::Desc conv{.in_channels = 4, .out_channels = 8};
  const Step gate = step::gate(Function::elu, Function::sigmoid);
  EXPECT_TRUE(accepts(conv, gate));
  conv2d::Desc with = conv;
  with.epilogue = {step::add(Extent::pixel)};
  EXPECT_FALSE(accepts(with, gate));
  with.epilogue = {gate};
  EXPECT_FALSE(accepts(with, gate));
  with = conv;
  with.out_channels = 7;
  EXPECT_FALSE(accepts(with, gate));

  with = conv;
  EXPECT_TRUE(accepts(with, Prologue{.steps = {step::mul(Extent::tensor)}, .upsample = 2}));
  EXPECT_FALSE(accepts(with, Prologue{.steps = {gate}}));
  EXPECT_FALSE(accepts(with, Prologue{.upsample = 3}));
  with.prologue = {.steps = {step::mul(Extent::pixel)}};
  EXPECT_FALSE(accepts(with, Prologue{.upsample = 2}));  // its pixels are of the enlarged picture
  with.prologue = {.upsample = 2};
  EXPECT_FALSE(accepts(with, Prologue{.upsample = 2}));
  EXPECT_TRUE(accepts(with, Prologue{.steps = {step::mul(Extent::pixel)}}));
  EXPECT_FALSE(accepts(conv_transpose2d::Desc{}, Prologue{.upsample = 2}));
}

TEST(FusedContract, StepsGoWhereTheySaveAPassOverTheImage) {
  const PrependPrologue norm{{.steps = {step::affine(Extent::sample_channel)}}, {1, 256, 64, 64}};
  const PrependPrologue enlarged{{.upsample = 2}, {1, 256, 64, 64}};
  const Target reference, cuda{.kernels = KernelSet::cuda};
  const Target cpu{.kernels = KernelSet::cpu, .isa = simd::chosen()};
  Target direct = cpu;
  direct.winograd = false;
  const AnyOp three =
      conv2d::Desc{.in_channels = 256, .out_channels = 256, .kernel = 3, .padding = 1};
  EXPECT_TRUE(three.accepts(norm, cpu));
  EXPECT_FALSE(three.accepts(norm, direct));
  EXPECT_FALSE(three.accepts(norm, cuda));
  EXPECT_FALSE(three.accepts(norm, reference));
  for (const Target& target : {reference, cpu, cuda}) EXPECT_TRUE(three.accepts(enlarged, target));
  const AnyOp one = conv2d::Desc{.in_channels = 256, .out_channels = 256};
  EXPECT_TRUE(one.accepts(norm, cuda));
  EXPECT_FALSE(one.accepts(norm, cpu));
}

TEST(FusedContract, PrintsAndRefuses) {
  conv2d::Desc desc{.in_channels = 4, .out_channels = 7, .kernel = 3, .prologue = {.upsample = 2}};
  EXPECT_EQ(to_string(desc), "conv2d 3x3 4->7, input: nearest x2");
  desc.epilogue = {step::gate(Function::elu, Function::sigmoid)};
  EXPECT_EQ(test::error_of([&] {
              (void)output_shape(desc, {1, 4, 8, 8});
            }),
            "conv2d 3x3 4->7, input: nearest x2: a gate pairs an even number of filters");
  EXPECT_EQ(test::error_of([&] {
              (void)output_shape(elementwise::Desc{.steps = desc.epilogue}, {1, 3, 8, 8});
            }),
            "elementwise: gate elu sigmoid: the input [1, 3, 8, 8] has an odd number of channels "
            "to pair");
}

}  // namespace
}  // namespace kintsugi
