// SPDX-License-Identifier: MIT
//
// What convolutions on the CPU do to their inputs.
#include "tests/kernels/fused_problem.h"

namespace kintsugi {
namespace {

using namespace test;

const Step kGate = step::gate(Function::elu, Function::sigmoid);
const Step kNorm = step::affine(Extent::sample_channel);
const Step kRelu = step::activate(Function::relu);

TEST(PrologueCpu, EveryStepInFrontOfEveryConvolution) {
  for (const Step& step : test::every_step()) {
    for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
      const conv2d::Desc conv{.in_channels = 5,
                              .out_channels = 6,
                              .kernel = 3,
                              .padding = 1,
                              .padding_mode = mode,
                              .prologue = {.steps = {step}},
                              .epilogue = {step::add(Extent::channel)}};
      expect_right(conv, {2, 5, 7, 9});
    }
    const conv_transpose2d::Desc deconv{.in_channels = 5,
                                        .out_channels = 6,
                                        .kernel = 4,
                                        .stride = 2,
                                        .padding = 1,
                                        .prologue = {.steps = {step}},
                                        .epilogue = {step::add(Extent::tensor)}};
    expect_right(deconv, {2, 5, 3, 4});
  }
}

TEST(PrologueCpu, NormsInFrontOfAnyNumberOfChannels) {
  for (const int64_t c : {1, 3, 4, 5, 15, 16, 17, 33, 63, 64, 65, 70, 130}) {
    conv2d::Desc desc{.in_channels = c, .out_channels = 9, .kernel = 3, .padding = 1};
    for (const Steps& steps : {Steps{kNorm}, Steps{kNorm, kRelu}, Steps{kNorm, kRelu, kNorm},
                               Steps{step::add(0.5f), step::affine(Extent::tensor)}}) {
      desc.prologue.steps = steps;
      expect_right(desc, {2, c, 9, 6});
    }
  }
}

TEST(PrologueCpu, AnyGeometry) {
  const Steps epilogue{step::add(Extent::channel), kRelu};
  for (const int64_t up : {1, 2}) {
    for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
      for (const Steps& steps : {Steps{}, Steps{kNorm, kRelu}, Steps{step::mul(Extent::pixel)}}) {
        const auto expect = [&](Pair kernel, Pair stride, Pair dilation, Pair padding,
                                Shape picture) {
          const conv2d::Desc desc{.in_channels = picture.c(),
                                  .out_channels = 7,
                                  .kernel = kernel,
                                  .stride = stride,
                                  .dilation = dilation,
                                  .padding = padding,
                                  .padding_mode = mode,
                                  .prologue = {.steps = steps, .upsample = up},
                                  .epilogue = epilogue};
          expect_right(desc, picture);
        };
        expect(3, 1, 1, 1, {2, 5, 6, 11});
        expect(3, 1, 1, 0, {1, 3, 5, 3});
        expect(3, 1, 2, 2, {1, 12, 5, 8});
        expect(3, 1, 3, 4, {1, 4, 9, 15});
        expect(3, 2, 1, 1, {2, 3, 6, 29});
        expect(3, 3, 1, 2, {1, 3, 6, 9});
        expect({5, 4}, {1, 2}, 1, {2, 1}, {1, 6, 5, 7});
        expect({1, 7}, {2, 1}, {1, 2}, {0, 6}, {1, 4, 3, 9});
        expect(1, 1, 1, 0, {1, 9, 3, 31});
        expect(1, 2, 1, 0, {1, 9, 3, 31});
      }
    }
  }
  // Pictures of a pixel or two, and more padding than picture.
  for (const int64_t padding : {1, 5}) {
    const conv2d::Desc desc{.in_channels = 3,
                            .out_channels = 5,
                            .kernel = 3,
                            .padding = padding,
                            .prologue = {.steps = {kNorm, kRelu}, .upsample = 2}};
    expect_right(desc, {1, 3, 1, 1});
    expect_right(desc, {1, 3, 2, 1});
  }
}

TEST(PrologueCpu, InFrontOfTransposedOnes) {
  for (const int64_t stride : {1, 2, 3}) {
    for (const Steps& steps : {Steps{kNorm, kRelu}, Steps{step::mul(Extent::pixel)}}) {
      const conv_transpose2d::Desc desc{.in_channels = 17,
                                        .out_channels = 6,
                                        .kernel = 3,
                                        .stride = stride,
                                        .padding = 1,
                                        .prologue = {.steps = steps},
                                        .epilogue = {step::add(Extent::channel), kGate}};
      expect_right(desc, {2, 17, 4, 15});
    }
  }
}

TEST(PrologueCpu, EightStepsThenAGate) {
  const conv2d::Desc desc{
      .in_channels = 70,
      .out_channels = 24,
      .kernel = 3,
      .dilation = 2,
      .padding = 2,
      .prologue = {.steps = {step::add(Extent::channel), kRelu, step::mul(Extent::sample_channel),
                             step::add(Extent::pixel), step::affine(Extent::channel),
                             step::add(Extent::tensor), step::mul(0.5f), step::clamp(-0.1f, 0.9f)}},
      .epilogue = {step::add(Extent::channel), kGate, step::mul(Extent::pixel)}};
  expect_right(desc, {2, 70, 9, 10});
}

TEST(PrologueCpu, BitsDependOnTheElementAlone) {
  for (const Steps& steps : {Steps{kNorm, kRelu}, Steps{step::mul(Extent::pixel), kNorm}}) {
    const conv2d::Desc conv{.in_channels = 19,
                            .out_channels = 42,
                            .kernel = 3,
                            .padding = 1,
                            .prologue = {.steps = steps, .upsample = 2},
                            .epilogue = {step::add(Extent::channel), kGate}};
    for (const Form form : {Form::chosen, Form::plainest, Form::winograd}) {
      expect_same_bits(conv, {2, 19, 11, 9}, form);
    }
    expect_same_bits(conv_transpose2d::Desc{.in_channels = 19,
                                            .out_channels = 6,
                                            .kernel = 4,
                                            .stride = 2,
                                            .padding = 1,
                                            .prologue = {.steps = steps}},
                     {2, 19, 11, 9}, Form::chosen);
  }
}

TEST(PrologueCpu, NeedsScratchForWhatTheDirectFormCannotDoOnTheWay) {
  const Shape picture{2, 5, 6, 7};
  conv2d::Desc desc{.in_channels = 5, .out_channels = 8, .kernel = 3, .prologue = {.upsample = 2}};
  const auto elements = [&] {
    return workspace_elements(desc, configure(desc, picture, Form::chosen), picture, 3);
  };
  EXPECT_EQ(elements(), 0);
  desc.prologue.steps = {kRelu};
  EXPECT_EQ(elements(), 2 * 6 * 7 * 8);
  const Fused<conv2d::Desc> problem(desc, picture);
  const auto config = configure(desc, picture, Form::chosen);
  std::vector<float> packed(static_cast<size_t>(packed_elements(desc, config)));
  std::vector<float> scratch(static_cast<size_t>(elements() - 1));
  Tensor<float> output(output_shape(desc, picture));
  EXPECT_EQ(test::error_of([&] {
              cpu(desc, config,
                  {problem.input.view(), packed, {}, output.view(), std::span(scratch)},
                  test::threads());
            }),
            "the workspace holds 671 elements, the input after its steps 672");
}

}  // namespace
}  // namespace kintsugi
