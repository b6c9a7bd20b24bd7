// SPDX-License-Identifier: MIT
//
// Gates fused into convolutions on the CPU.
#include "tests/kernels/fused_problem.h"

namespace kintsugi {
namespace {

using namespace test;

const Step kGate = step::gate(Function::elu, Function::sigmoid);

TEST(GatedCpu, AnyNumberOfChannels) {
  for (const int64_t k : {1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 24, 33, 40, 70}) {
    conv2d::Desc desc{.in_channels = 5,
                      .out_channels = 2 * k,
                      .kernel = 3,
                      .padding = 1,
                      .epilogue = {step::add(Extent::channel), kGate}};
    expect_right(desc, {1, 5, 6, 15});
    desc.epilogue = {kGate};
    expect_right(desc, {1, 5, 4, 4});
    conv_transpose2d::Desc deconv{.in_channels = 5,
                                  .out_channels = 2 * k,
                                  .kernel = 4,
                                  .stride = 2,
                                  .padding = 1,
                                  .epilogue = {step::add(Extent::channel), kGate}};
    expect_right(deconv, {1, 5, 3, 7});
  }
}

TEST(GatedCpu, AnyConvolution) {
  const Steps steps{step::add(Extent::channel), kGate};
  for (const int64_t k : {5, 12, 24}) {
    const auto conv = [&](int64_t c, Pair kernel, Pair stride, Pair dilation, PaddingMode mode) {
      return conv2d::Desc{.in_channels = c,
                          .out_channels = 2 * k,
                          .kernel = kernel,
                          .stride = stride,
                          .dilation = dilation,
                          .padding = {dilation.h * (kernel.h / 2), dilation.w * (kernel.w / 2)},
                          .padding_mode = mode,
                          .epilogue = steps};
    };
    expect_right(conv(3, 5, 1, 1, PaddingMode::zero), {2, 3, 9, 17});
    expect_right(conv(3, 3, 2, 1, PaddingMode::zero), {2, 3, 9, 17});
    expect_right(conv(6, 3, 1, 2, PaddingMode::reflect), {2, 6, 9, 17});
    expect_right(conv(6, 3, 1, 4, PaddingMode::zero), {2, 6, 9, 17});
    expect_right(conv(37, 1, 1, 1, PaddingMode::zero), {1, 37, 3, 29});
    expect_right(conv(4, {1, 3}, {1, 2}, 1, PaddingMode::zero), {1, 4, 1, 1});
  }
}

TEST(GatedCpu, EveryStepBeforeAndBehind) {
  for (const Step& step : test::every_step()) {
    for (const int64_t k : {5, 21}) {
      conv2d::Desc desc{.in_channels = 3, .out_channels = 2 * k, .kernel = 3, .padding = 1};
      if (step.extent == Extent::scalar || step.extent == Extent::channel) {
        desc.epilogue = {step, kGate};
        expect_right(desc, {2, 3, 5, 9});
      }
      desc.epilogue = {step::add(Extent::channel), kGate, step};
      expect_right(desc, {2, 3, 5, 9});
    }
  }
}

TEST(GatedCpu, EveryPairOfFunctions) {
  for (const Function feature : kFunctions) {
    for (const Function gate : kFunctions) {
      conv2d::Desc desc{.in_channels = 3, .out_channels = 18, .kernel = 3};
      if (!test::takes_any_number(feature) || !test::takes_any_number(gate)) {
        desc.epilogue.append(step::clamp(0.25f, 4.0f));
      }
      desc.epilogue.append(step::gate(feature, gate, 0.2f));
      expect_right(desc, {1, 3, 5, 9});
    }
  }
}

TEST(GatedCpu, BitsDependOnTheElementAlone) {
  const Steps steps{step::add(Extent::channel), step::activate(Function::relu), kGate,
                    step::mul(Extent::channel)};
  const conv2d::Desc conv{.in_channels = 7,
                          .out_channels = 42,
                          .kernel = 3,
                          .dilation = 2,
                          .padding = 2,
                          .epilogue = steps};
  for (const Form form : {Form::chosen, Form::plainest, Form::winograd}) {
    expect_same_bits(conv, {2, 7, 21, 19}, form);
  }
  expect_same_bits(conv_transpose2d::Desc{.in_channels = 7,
                                          .out_channels = 42,
                                          .kernel = 4,
                                          .stride = 2,
                                          .padding = 1,
                                          .epilogue = steps},
                   {2, 7, 11, 9}, Form::chosen);
}

TEST(GatedCpu, NamesAPackingOfItsOwn) {
  conv2d::Desc desc{.in_channels = 16, .out_channels = 64, .kernel = 3, .padding = 1};
  conv2d::Desc gated = desc;
  gated.epilogue = {kGate};
  const Shape picture{1, 16, 64, 64};
  for (const Form form : {Form::chosen, Form::plainest}) {
    EXPECT_NE(packing(desc, configure(desc, picture, form)),
              packing(gated, configure(gated, picture, form)));
  }
  // Winograd pairs behind its products: the weights are those of any other.
  EXPECT_EQ(packing(desc, configure(desc, picture, Form::winograd)),
            packing(gated, configure(gated, picture, Form::winograd)));
}

TEST(GatedCpu, NeverHidesNaN) {
  for (const Function function : {Function::relu, Function::elu, Function::sigmoid}) {
    conv2d::Desc desc{
        .in_channels = 3, .out_channels = 10, .epilogue = {step::gate(function, function)}};
    Fused<conv2d::Desc> problem(desc, {1, 3, 4, 4});
    problem.input.view().at(0, 2, 1, 3) = std::numeric_limits<float>::quiet_NaN();
    const Tensor<float> output = problem.whole(Form::chosen);
    for (int64_t k = 0; k < 5; ++k) {
      EXPECT_TRUE(std::isnan(output.view().at(0, k, 1, 3)));
      EXPECT_FALSE(std::isnan(output.view().at(0, k, 1, 2)));
    }
  }
}

}  // namespace
}  // namespace kintsugi
