// SPDX-License-Identifier: MIT
//
// layer_norm on CUDA against its definition: on the emulator everywhere, on a GPU where there is one.
#include "tests/device/layer_norm_trial.h"

namespace kintsugi::layer_norm {
namespace {

using test::close;

TEST(LayerNormCudaPolicy, KeepsWhatRegistersHold) {
  EXPECT_EQ(choose_cuda({1, 3, 8, 8}, 4), (CudaConfig{.lanes = 1, .held = 2}));
  EXPECT_EQ(choose_cuda({1, 96, 8, 8}, 2), (CudaConfig{.lanes = 16, .held = 2}));
  EXPECT_EQ(choose_cuda({1, 512, 8, 8}, 2), (CudaConfig{.lanes = 32, .held = 2}));
  EXPECT_EQ(choose_cuda({9, 768, 1, 1}, 4), (CudaConfig{.lanes = 32, .held = 8}));
  EXPECT_EQ(choose_cuda({1, 2048, 8, 8}, 2), (CudaConfig{.lanes = 32, .held = 8}));
  EXPECT_EQ(choose_cuda({1, 2049, 8, 8}, 2), (CudaConfig{.lanes = 32, .held = 0}));
  EXPECT_EQ(to_string({.lanes = 4, .held = 2}), "4 lanes a pixel, 2 groups held");
  EXPECT_EQ(to_string({.lanes = 32, .held = 0}), "32 lanes a pixel, groups read thrice");
}

template <class T>
class LayerNormCuda : public testing::Test {};
TYPED_TEST_SUITE(LayerNormCuda, Types);

TYPED_TEST(LayerNormCuda, AgreesWithItsDefinition) {
  for (const Case& c : odd_cases()) {
    for (const int64_t gap : {0, 2}) {
      SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
      Trial<TypeParam> trial(c);
      const test::Tensor<float> expected = trial.reference();
      EXPECT_TRUE(close(trial.cuda(gap).download().view(), expected.view(), kTolerance<TypeParam>));
      trial.config.held = 0;
      EXPECT_TRUE(close(trial.cuda(gap).download().view(), expected.view(), kTolerance<TypeParam>));
    }
  }
}

TYPED_TEST(LayerNormCuda, ALargeMeanTakesNoDigit) {
  // In bf16 numbers about a thousand are 4 apart: it has no deviation of one there.
  const float mean = std::is_same_v<TypeParam, bf16> ? 60.0f : 1000.0f;
  const Trial<TypeParam> trial({{}, {1, 66, 3, 11}}, mean);
  EXPECT_TRUE(
      close(trial.cuda().download().view(), trial.reference().view(), kTolerance<TypeParam>));
}

TYPED_TEST(LayerNormCuda, TheBitsOfAPixelDoNotKnowItsNeighbours) {
  for (const int64_t channels : {3, 20, 66}) {  // several pixels in a warp
    const Trial<TypeParam> all({{}, {1, channels, 1, 5}});
    const auto together = all.cuda().buffer().template values<std::byte>();
    Trial<TypeParam> one({{}, {1, channels, 1, 1}});
    const size_t size = together.size() / 5;
    for (int64_t x = 0; x < 5; ++x) {
      one.input.for_each([&](int64_t, int64_t c, int64_t, int64_t, float& v) {
        v = all.input.view().at(0, c, 0, x);
      });
      const auto at = together.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(x) * size);
      EXPECT_EQ(one.cuda().buffer().template values<std::byte>(),
                (std::vector<std::byte>{at, at + static_cast<std::ptrdiff_t>(size)}));
    }
  }
}

TYPED_TEST(LayerNormCuda, InPlace) {
  for (const int held : {0, 2}) {
    Trial<TypeParam> trial({{.affine = true}, {1, 66, 3, 11}});
    if (trial.config.held == 2) trial.config.held = held;
    const auto apart = trial.cuda().buffer().template values<std::byte>();
    EXPECT_EQ(trial.in_place().buffer().template values<std::byte>(), apart);
  }
}

TYPED_TEST(LayerNormCuda, AWrongDescriptionIsSeen) {
  Trial<TypeParam> trial({{.affine = true}, {1, 17, 9, 13}});
  const test::Tensor<float> right = trial.reference();
  const auto passes = [&] {
    return close(trial.cuda().download().view(), right.view(), kTolerance<TypeParam>);
  };
  EXPECT_TRUE(passes());
  trial.desc = {.eps = 0.1, .affine = true};
  EXPECT_FALSE(passes());
  trial.desc = {};
  EXPECT_FALSE(passes());
}

TEST(LayerNormCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const CudaConfig& config, const Shape& input,
                           const Shape& output, int64_t pitch) {
    return test::error_of([&] {
      cuda<f16>(desc, config, {.input = {nullptr, input, 8}, .output = {nullptr, output, pitch}},
                *stream);
    });
  };
  const CudaConfig one{.lanes = 1, .held = 2};
  const Shape huge{1, 8, 65536, 65536}, small{1, 3, 4, 4};
  EXPECT_EQ(refusal({}, one, huge, huge, 8),
            "layer_norm on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({}, one, small, huge, 8), "layer_norm on CUDA: an output does not fit");
  EXPECT_EQ(refusal({}, one, small, small, 4),
            "layer_norm on CUDA: a pixel does not start at 16 bytes");
  EXPECT_EQ(refusal({.affine = true}, one, small, small, 8),
            "layer_norm on CUDA: weight and bias are given with `affine`, and only then");
  EXPECT_EQ(refusal({}, one, {1, 17, 4, 4}, {1, 17, 4, 4}, 24),
            "layer_norm on CUDA: a configuration is not of this shape");
  EXPECT_EQ(refusal({}, {.lanes = 4, .held = 3}, small, small, 8),
            "layer_norm on CUDA holds no 3 groups");
}

}  // namespace
}  // namespace kintsugi::layer_norm
