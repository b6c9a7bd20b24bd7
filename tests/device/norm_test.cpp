// SPDX-License-Identifier: MIT
//
// norm on CUDA against its definition: on the emulator everywhere, on a GPU where there is one.
#include "tests/device/norm_trial.h"

namespace kintsugi::norm {
namespace {

using test::close;

// The result is f32 whatever the storage, and so is what is promised of it.
constexpr double kTolerance = 2e-6;

template <class T>
class NormCuda : public testing::Test {
 protected:
  static void agree(const Trial<T>& trial, int64_t gap) {
    const std::vector<float> out = trial.cuda(gap);
    const test::Tensor<float> expected = trial.reference();
    for (const int64_t row : {0, 1}) {
      EXPECT_TRUE(close(Trial<T>::row(trial.view(out), row), Trial<T>::row(expected.view(), row),
                        kTolerance))
          << "row " << row;
    }
    const int64_t channels = trial.input.shape().c();
    for (int64_t i = 0; i < static_cast<int64_t>(out.size()); ++i) {
      const int64_t k = i % trial.pitch();
      const float value = out[static_cast<size_t>(i)];
      if (k >= trial.pitch() - 4) {
        EXPECT_TRUE(std::isnan(value)) << "the gap was written";
      } else if (k >= channels) {
        EXPECT_EQ(value, 0.0f) << "pad " << k;
      }
    }
  }
};
TYPED_TEST_SUITE(NormCuda, Types);

TYPED_TEST(NormCuda, AgreesWithItsDefinition) {
  for (const Case& c : odd_cases()) {
    for (const int64_t gap : {0, 2}) {
      SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
      TestFixture::agree(Trial<TypeParam>(c), gap);
    }
  }
}

TYPED_TEST(NormCuda, AStepAppliesIt) {
  const Trial<TypeParam> trial({{.groups = 3, .affine = true}, {2, 9, 5, 7}});
  const test::Tensor<float> stats = trial.reference();
  test::Tensor<float> expected(trial.input.shape());
  expected.for_each([&](int64_t n, int64_t c, int64_t y, int64_t x, float& v) {
    if (c >= 9) return;
    v = trial.input.view().at(n, c, y, x) * stats.view().at(n, c, 0, 0) +
        stats.view().at(n, c, 1, 0);
  });
  const double tolerance = sizeof(TypeParam) == 4           ? 2e-6
                           : std::is_same_v<TypeParam, f16> ? 6e-4
                                                            : 4e-3;
  EXPECT_TRUE(close(trial.applied().view(), expected.view(), tolerance));
}

TYPED_TEST(NormCuda, ALargeMeanTakesNoDigitFromTheVariance) {
  // In bf16 numbers about a thousand are 4 apart: it has no deviation of one there.
  const float mean = std::is_same_v<TypeParam, bf16> ? 60.0f : 1000.0f;
  for (const int64_t groups : {1, 4, 20}) {
    SCOPED_TRACE(groups);
    TestFixture::agree(Trial<TypeParam>({{.groups = groups}, {2, 20, 17, 19}}, mean), 0);
  }
}

TYPED_TEST(NormCuda, AnOutlyingFirstPixelCostsTheShiftItsDistance) {
  Trial<TypeParam> trial({{.groups = 2}, {1, 8, 30, 40}});
  for (int64_t c = 0; c < 8; ++c) trial.input.view().at(0, c, 0, 0) = 100.0f;
  const std::vector<float> out = trial.cuda();
  const test::Tensor<float> expected = trial.reference();
  EXPECT_TRUE(close(Trial<TypeParam>::row(trial.view(out), 0),
                    Trial<TypeParam>::row(expected.view(), 0), kTolerance));
  for (int64_t c = 0; c < 8; ++c) {  // the last digit of a hundred is 8e-6, and the deviation 3
    EXPECT_NEAR(trial.view(out).at(0, c, 1, 0), expected.view().at(0, c, 1, 0), 5e-6) << c;
  }
}

TYPED_TEST(NormCuda, AWrongDescriptionIsSeen) {
  Trial<TypeParam> trial({{.groups = 2, .affine = true}, {2, 66, 11, 3}});
  const test::Tensor<float> right = trial.reference();
  const auto passes = [&] {
    const std::vector<float> out = trial.cuda();
    return close(trial.view(out), right.view(), kTolerance);
  };
  EXPECT_TRUE(passes());
  trial.desc.groups = 3;
  EXPECT_FALSE(passes());
  trial.desc = {.groups = 2, .eps = 1e-4, .affine = true};
  EXPECT_FALSE(passes());
  trial.desc = {.groups = 2};
  EXPECT_FALSE(passes());
}

TEST(NormCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const Shape& input, const Shape& output,
                           int64_t pitch) {
    return test::error_of([&] {
      cuda<f16>(desc, {.input = {nullptr, input, 8}, .output = {nullptr, output, pitch}}, *stream);
    });
  };
  EXPECT_EQ(refusal({}, {1, 8, 65536, 65536}, {1, 8, 2, 1}, 8),
            "norm on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({}, {1, 3, 2, 2}, {1, 3, 2, 1}, 4),
            "norm on CUDA: its output does not hold whole groups of the input's channels");
  EXPECT_EQ(refusal({}, {1, 3, 2, 2}, {1, 3, 1, 1}, 8), "norm on CUDA: an output does not fit");
  EXPECT_EQ(refusal({}, {1, 3, 2, 2}, {1, 3, 2, 1}, 6),
            "norm on CUDA: a pixel does not start at 16 bytes");
  EXPECT_EQ(refusal({.affine = true}, {1, 3, 2, 2}, {1, 3, 2, 1}, 8),
            "norm on CUDA: weight and bias are given with `affine`, and only then");
}

}  // namespace
}  // namespace kintsugi::norm
