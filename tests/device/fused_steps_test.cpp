// SPDX-License-Identifier: MIT
//
// What is fused into convolutions on CUDA, and gates on their own, against their definitions: on the
// emulator everywhere, on a GPU where there is one.
#include "tests/device/elementwise_trial.h"
#include "tests/device/fused_steps_trial.h"

namespace kintsugi {
namespace {

using namespace test;

template <class Case>
void expect_definition(const std::vector<Case>& cases, Type type, int multiprocessors = 1) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    with_storage(type, [&]<class T>(T) {
      const Trial<decltype(c.desc), T> trial(c.desc, c.input, type, multiprocessors);
      EXPECT_EQ(trial.config.splits > 1, multiprocessors > 1);
      EXPECT_TRUE(close(trial.cuda(1).values.view(), trial.reference().view(), tolerance(type)));
    });
  }
}

class FusedCuda : public testing::TestWithParam<Type> {};
INSTANTIATE_TEST_SUITE_P(Types, FusedCuda, testing::ValuesIn(kTypes),
                         [](const auto& type) { return std::string(name_of(type.param)); });

TEST_P(FusedCuda, AGateOfConv2dAgreesWithItsDefinition) {
  expect_definition(gates::conv2d_cases(), GetParam());
}
TEST_P(FusedCuda, AGateOfConvTranspose2dAgreesWithItsDefinition) {
  expect_definition(gates::conv_transpose2d_cases(), GetParam());
}
TEST_P(FusedCuda, AGateOfASplitDepthAgreesWithItsDefinition) {
  expect_definition(gates::pipelined(GetParam()), GetParam(), 40);
}

TEST_P(FusedCuda, EveryStepAroundAGate) {
  const Type type = GetParam();
  const Step gate = step::gate(Function::identity, Function::sigmoid);
  for (const Step& step : every_step()) {
    for (const bool before : {true, false}) {
      conv2d::Desc desc{.in_channels = 5, .out_channels = 14};
      desc.epilogue = before ? Epilogue{step} : Epilogue{gate};
      if (!accepts(desc, before ? gate : step)) continue;
      desc.epilogue.append(before ? gate : step);
      SCOPED_TRACE(kintsugi::to_string(desc.epilogue));
      with_storage(type, [&]<class T>(T) {
        const conv2d::Trial<T> run(desc, {2, 5, 3, 4}, type);
        EXPECT_TRUE(close(run.cuda(1).values.view(), run.reference().view(), tolerance(type)));
      });
    }
  }
}

TEST_P(FusedCuda, APrologueOfConv2dAgreesWithItsDefinition) {
  expect_definition(prologues::conv2d_cases(), GetParam());
}
TEST_P(FusedCuda, APrologueOfConvTranspose2dAgreesWithItsDefinition) {
  expect_definition(prologues::conv_transpose2d_cases(), GetParam());
}
TEST_P(FusedCuda, APrologueOfADeepConvolutionAgreesWithItsDefinition) {
  expect_definition(prologues::pipelined(GetParam()), GetParam());
}
TEST_P(FusedCuda, APrologueOfASplitDepthAgreesWithItsDefinition) {
  expect_definition(prologues::pipelined(GetParam()), GetParam(), 40);
}

TEST_P(FusedCuda, EveryStepOfAPrologue) {
  const Type type = GetParam();
  for (const Step& step : every_step()) {
    const conv2d::Desc desc{.in_channels = 5,
                            .out_channels = 7,
                            .kernel = 3,
                            .padding = 1,
                            .prologue = {.steps = {step}, .upsample = 2}};
    SCOPED_TRACE(to_string(desc));
    with_storage(type, [&]<class T>(T) {
      const conv2d::Trial<T> run(desc, {2, 5, 2, 3}, type);
      EXPECT_TRUE(close(run.cuda(1).values.view(), run.reference().view(), tolerance(type)));
    });
  }
}

TEST(FusedCudaPads, WhatLiesBehindTheLastChannelStaysZero) {
  // Steps that f16 holds where an input lies in [0.5, 1), and not where it is zero: products with the
  // zeros of a weight would be NaN.
  conv2d::Trial<f16> run({.in_channels = 5,
                          .out_channels = 7,
                          .kernel = 3,
                          .padding = 1,
                          .prologue = {.steps = {step::affine(-133333.0f, 100000.0f)}},
                          .epilogue = {step::mul(1e-5f)}},
                         {1, 5, 4, 6}, Type::f16);
  run.input.for_each([&](int64_t, int64_t c, int64_t, int64_t, float& v) {
    if (c < 5) v = 0.75f + 0.25f * v;
  });
  round_to<f16>(run.input);
  EXPECT_TRUE(close(run.cuda().values.view(), run.reference().view(), tolerance(Type::f16)));
}

template <class T>
class GateCuda : public testing::Test {};
TYPED_TEST_SUITE(GateCuda, elementwise::Types);

TYPED_TEST(GateCuda, AgreesWithItsDefinition) {
  const Steps steps{step::add(Extent::tensor),
                    step::affine(Extent::sample_channel),
                    step::mul(Extent::channel),
                    step::mul(Extent::pixel),
                    step::gate(Function::elu, Function::sigmoid),
                    step::mul(Extent::channel),
                    step::add(Extent::tensor)};
  for (const int64_t channels : {1, 4, 5, 8, 12, 35}) {
    for (const int64_t gap : {0, 2}) {
      SCOPED_TRACE(channels);
      const elementwise::Trial<TypeParam> trial({steps}, {2, 2 * channels, 3, 7});
      EXPECT_TRUE(close(trial.cuda(gap).download().view(), trial.reference().view(),
                        elementwise::kTolerance<TypeParam>));
    }
  }
}

TEST(FusedCudaPolicy, GatesStandBehindTheirFeatures) {
  device::DeviceInfo h200;
  h200.multiprocessors = 132;
  const auto choice = [&](int64_t filters, int64_t bytes, implicit_gemm::FloatMath math) {
    const conv2d::Desc desc{.in_channels = 96,
                            .out_channels = filters,
                            .kernel = 3,
                            .dilation = 2,
                            .padding = 2,
                            .epilogue = gates::plain()};
    return choose_cuda(desc, {1, 96, 64, 64}, bytes, math, h200);
  };
  using implicit_gemm::FloatMath;
  EXPECT_EQ(to_string(choice(192, 2, FloatMath::exact)),
            "tensor cores, tile 128x128, gated, depth in 2");
  EXPECT_EQ(to_string(choice(192, 4, FloatMath::exact)), "simt, tile 128x64, gated");
  EXPECT_EQ(choice(10, 2, FloatMath::exact).tile_n, 32);   // 8 features, 8 gates
  EXPECT_EQ(choice(66, 2, FloatMath::exact).tile_n, 128);  // 40 and 40
  implicit_gemm::CudaConfig gated = choice(10, 2, FloatMath::exact);
  implicit_gemm::CudaConfig plain = gated;
  plain.gated = false;
  EXPECT_EQ(packing(gated), packing(plain) + ", gates behind their features");

  const conv2d::Desc desc{.in_channels = 1, .out_channels = 10, .epilogue = gates::plain()};
  const std::vector<float> weight{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  gated.method = implicit_gemm::CudaMethod::simt;
  std::vector<float> packed(static_cast<size_t>(packed_elements(desc, gated, 4)));
  ASSERT_EQ(packed.size(), 32u * 4);
  pack<float>(desc, gated, weight, packed);
  const std::vector<float> order{1, 2, 3, 4, 6, 7, 8, 9, 5, 0, 0, 0, 10, 0, 0, 0};
  for (size_t i = 0; i < 32; ++i) EXPECT_EQ(packed[4 * i], i < order.size() ? order[i] : 0) << i;
}

TEST(FusedCudaPolicy, StepsOnTheWayInHaveTilesOfTheirOwn) {
  const device::DeviceInfo one = small_device();
  using implicit_gemm::FloatMath;
  conv2d::Desc conv{.in_channels = 8, .out_channels = 3, .kernel = 3};
  const Shape input{1, 8, 9, 9};
  EXPECT_EQ(choose_cuda(conv, input, 2, FloatMath::exact, one).tile_n, 8);
  conv.prologue = {.upsample = 2};
  EXPECT_EQ(choose_cuda(conv, input, 2, FloatMath::exact, one).tile_n, 8);
  conv.prologue = {.steps = prologues::norm()};
  EXPECT_EQ(choose_cuda(conv, input, 2, FloatMath::exact, one).tile_n, 32);
  conv.out_channels = 128;
  EXPECT_EQ(choose_cuda(conv, input, 2, FloatMath::exact, one).tile_n, 128);
  conv_transpose2d::Desc up{.in_channels = 8, .out_channels = 128, .kernel = 4, .stride = 2};
  EXPECT_EQ(choose_cuda(up, input, 2, FloatMath::exact, one).tile_n, 128);
  up.prologue = conv.prologue;
  EXPECT_EQ(choose_cuda(up, input, 2, FloatMath::exact, one).tile_n, 64);
}

TEST(FusedCudaLaunch, ATileThatHasNoStepsOnTheWayInIsRefused) {
  conv2d::Trial<f16> trial({.in_channels = 8,
                            .out_channels = 8,
                            .prologue = {.steps = {step::activate(Function::relu)}}},
                           {1, 8, 2, 2}, Type::f16);
  trial.config.tile_n = 8;
  EXPECT_EQ(error_of([&] { (void)trial.cuda(); }),
            "conv2d on CUDA has no tile of 8 for steps on the way in");
}

TEST(FusedCudaLaunch, WeightsOfAnotherEpilogueAreRefused) {
  const conv2d::Desc desc{.in_channels = 8, .out_channels = 16, .epilogue = gates::plain()};
  conv2d::Trial<float> trial(desc, {1, 8, 2, 2}, Type::f32);
  trial.config.gated = false;
  EXPECT_EQ(error_of([&] { (void)trial.cuda(); }),
            "conv2d on CUDA: weights were packed for another epilogue");
  trial.config.gated = true;
  trial.config.method = implicit_gemm::CudaMethod::tensor_core;
  trial.config.tile_n = 16;
  EXPECT_EQ(error_of([&] { (void)trial.cuda(); }), "conv2d on CUDA: a block has no room for gates");
}

}  // namespace
}  // namespace kintsugi
