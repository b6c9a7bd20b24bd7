// SPDX-License-Identifier: MIT
//
// resample on CUDA against its definition: on the emulator everywhere, on a GPU where there is one.
#include "tests/device/resample_trial.h"

namespace kintsugi::resample {
namespace {

using test::close;

template <class T>
class ResampleCuda : public testing::Test {};
TYPED_TEST_SUITE(ResampleCuda, Types);

TYPED_TEST(ResampleCuda, AgreesWithItsDefinition) {
  for (const Case& c : odd_cases()) {
    for (const int64_t gap : {0, 2}) {
      SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
      const Trial<TypeParam> trial(c);
      EXPECT_TRUE(close(trial.cuda(gap).download().view(), trial.reference().view(),
                        c.desc.mode == Mode::nearest ? 0 : kTolerance<TypeParam>));
    }
  }
}

TYPED_TEST(ResampleCuda, AWrongDescriptionIsSeen) {
  const Pair size{9, 11};
  Trial<TypeParam> trial({{.size = size, .mode = Mode::bilinear}, {1, 17, 5, 6}});
  const test::Tensor<float> right = trial.reference();
  for (const Desc& wrong :
       {Desc{.size = size}, Desc{.size = size, .mode = Mode::bilinear, .align_corners = true}}) {
    trial.desc = wrong;
    EXPECT_FALSE(close(trial.cuda().download().view(), right.view(), kTolerance<TypeParam>));
  }
}

TEST(ResampleCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const Shape& input, const Shape& output,
                           int64_t pitch) {
    return test::error_of([&] {
      cuda<f16>(desc, {.input = {nullptr, input, 8}, .output = {nullptr, output, pitch}}, *stream);
    });
  };
  EXPECT_EQ(refusal({.size = 65536}, {1, 8, 2, 2}, {1, 8, 65536, 65536}, 8),
            "resample on CUDA: 4294967296 groups of 16 bytes are beyond its 31 bits");
  EXPECT_EQ(refusal({.size = {1, 65536}}, {1, 8, 1, 65536}, {1, 8, 1, 65536}, 8),
            "resample on CUDA: from 65536 to 65536 is beyond its 32 bits");
  EXPECT_EQ(refusal({.size = 4}, {1, 3, 2, 2}, {1, 3, 4, 5}, 8),
            "resample on CUDA: an output does not fit");
  EXPECT_EQ(refusal({.size = 4}, {1, 3, 2, 2}, {1, 3, 4, 4}, 4),
            "resample on CUDA: a pixel does not start at 16 bytes");
}

}  // namespace
}  // namespace kintsugi::resample
