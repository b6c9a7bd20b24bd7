// SPDX-License-Identifier: MIT
//
// pool on CUDA against its definition: on the emulator everywhere, on a GPU where there is one.
#include "tests/device/pool_trial.h"

namespace kintsugi::pool {
namespace {

using test::close;

template <class T>
class PoolCuda : public testing::Test {};
TYPED_TEST_SUITE(PoolCuda, Types);

TYPED_TEST(PoolCuda, AgreesWithItsDefinition) {
  for (const Case& c : odd_cases()) {
    for (const int64_t gap : {0, 2}) {
      SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
      const Trial<TypeParam> trial(c);
      EXPECT_TRUE(close(trial.cuda(gap).download().view(), trial.reference().view(),
                        c.desc.mode == Mode::max ? 0 : kTolerance<TypeParam>));
    }
  }
}

TYPED_TEST(PoolCuda, NeverHidesNaN) {
  for (const Mode mode : {Mode::max, Mode::average}) {
    Trial<TypeParam> trial({{.mode = mode, .kernel = 3, .padding = 1}, {1, 6, 5, 5}});
    trial.input.view().at(0, 5, 2, 2) = std::numeric_limits<float>::quiet_NaN();
    const test::Tensor<float> out = trial.cuda().download();
    for (int64_t y = 0; y < 5; ++y) {
      for (int64_t x = 0; x < 5; ++x) {
        const bool held = y >= 1 && y <= 3 && x >= 1 && x <= 3;
        EXPECT_EQ(std::isnan(out.view().at(0, 5, y, x)), held) << y << " " << x;
        EXPECT_FALSE(std::isnan(out.view().at(0, 4, y, x)));
      }
    }
  }
}

TYPED_TEST(PoolCuda, AWrongDescriptionIsSeen) {
  const Desc desc{.mode = Mode::average, .kernel = 3, .padding = 1};
  Trial<TypeParam> trial({desc, {1, 17, 9, 8}});
  const test::Tensor<float> right = trial.reference();
  for (const Desc& wrong :
       {Desc{.kernel = 3, .padding = 1}, Desc{.mode = Mode::average, .kernel = 5, .padding = 2},
        Desc{.mode = Mode::average, .kernel = 3, .padding = 1, .count_include_pad = false}}) {
    trial.desc = wrong;
    EXPECT_FALSE(close(trial.cuda().download().view(), right.view(), kTolerance<TypeParam>));
  }
}

TEST(PoolCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const Shape& input, const Shape& output,
                           int64_t pitch) {
    return test::error_of([&] {
      cuda<f16>(desc, {.input = {nullptr, input, 8}, .output = {nullptr, output, pitch}}, *stream);
    });
  };
  EXPECT_EQ(refusal({}, {1, 8, 65536, 65536}, {1, 8, 65536, 65536}, 8),
            "pool on CUDA: 4294967296 groups of 16 bytes are beyond its 31 bits");
  EXPECT_EQ(refusal({.stride = int64_t{1} << 31}, {1, 8, int64_t{1} << 32, 1}, {1, 8, 2, 1}, 8),
            "pool on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({.kernel = 2}, {1, 3, 4, 4}, {1, 3, 4, 4}, 8),
            "pool on CUDA: an output does not fit");
  EXPECT_EQ(refusal({.kernel = 2}, {1, 3, 4, 4}, {1, 3, 3, 3}, 4),
            "pool on CUDA: a pixel does not start at 16 bytes");
}

}  // namespace
}  // namespace kintsugi::pool
