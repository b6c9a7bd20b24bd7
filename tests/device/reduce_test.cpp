// SPDX-License-Identifier: MIT
//
// reduce on CUDA against its definition: on the emulator everywhere, on a GPU where there is one.
#include "tests/device/reduce_trial.h"

namespace kintsugi::reduce {
namespace {

using test::close;

template <class T>
class ReduceCuda : public testing::Test {};
TYPED_TEST_SUITE(ReduceCuda, Types);

TYPED_TEST(ReduceCuda, AgreesWithItsDefinition) {
  for (const Case& c : odd_cases()) {
    for (const int64_t gap : {0, 2}) {
      SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
      const Trial<TypeParam> trial(c);
      EXPECT_TRUE(close(trial.cuda(gap).download().view(), trial.reference().view(),
                        c.desc.reduction == Reduction::max ? 0 : kTolerance<TypeParam>));
    }
  }
}

TYPED_TEST(ReduceCuda, NeverHidesNaN) {
  for (const Over over : {Over::pixels, Over::channels}) {
    for (const Reduction reduction : {Reduction::mean, Reduction::max}) {
      for (const int64_t at : {0, 7, 20}) {
        SCOPED_TRACE(at);
        Trial<TypeParam> trial({{.reduction = reduction, .over = over}, {1, 21, 21, 40}});
        trial.input.view().at(0, over == Over::pixels ? 5 : at, at, at) =
            std::numeric_limits<float>::quiet_NaN();
        const test::Tensor<float> out = trial.cuda().download();
        EXPECT_TRUE(std::isnan(over == Over::pixels ? out.view().at(0, 5, 0, 0)
                                                    : out.view().at(0, 0, at, at)));
        EXPECT_FALSE(std::isnan(over == Over::pixels ? out.view().at(0, 4, 0, 0)
                                                     : out.view().at(0, 0, at, at + 1)));
      }
    }
  }
}

TYPED_TEST(ReduceCuda, AWrongDescriptionIsSeen) {
  for (const Over over : {Over::pixels, Over::channels}) {
    Trial<TypeParam> trial({{.over = over}, {1, 17, 9, 13}});
    const test::Tensor<float> right = trial.reference();
    for (const Reduction wrong : {Reduction::sum, Reduction::max}) {
      trial.desc.reduction = wrong;
      EXPECT_FALSE(close(trial.cuda().download().view(), right.view(), kTolerance<TypeParam>));
    }
  }
}

TEST(ReduceCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const Shape& input, const Shape& output,
                           int64_t pitch) {
    return test::error_of([&] {
      cuda<f16>(desc, {.input = {nullptr, input, 8}, .output = {nullptr, output, pitch}}, *stream);
    });
  };
  EXPECT_EQ(refusal({}, {1, 8, 65536, 65536}, {1, 8, 1, 1}, 8),
            "reduce on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({.over = Over::channels}, {1, 8, 65536, 65536}, {1, 1, 65536, 65536}, 8),
            "reduce on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({}, {1, 3, 4, 4}, {1, 3, 4, 4}, 8), "reduce on CUDA: an output does not fit");
  EXPECT_EQ(refusal({}, {1, 3, 4, 4}, {1, 3, 1, 1}, 4),
            "reduce on CUDA: a pixel does not start at 16 bytes");
  EXPECT_EQ(refusal({}, {1, 3, 400, 400}, {1, 3, 1, 1}, 8),
            "reduce on CUDA: a picture of several tiles needs a workspace");
}

}  // namespace
}  // namespace kintsugi::reduce
