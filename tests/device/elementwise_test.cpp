// SPDX-License-Identifier: MIT
//
// elementwise on CUDA against its definition: on the emulator everywhere, on a GPU where there is one.
#include "tests/device/elementwise_trial.h"

namespace kintsugi::elementwise {
namespace {

using test::close;
using test::every_step;

template <class T>
class ElementwiseCuda : public testing::Test {};
TYPED_TEST_SUITE(ElementwiseCuda, Types);

TYPED_TEST(ElementwiseCuda, AgreesWithItsDefinition) {
  for (const Shape& shape : odd_shapes()) {
    for (const int64_t gap : {0, 2}) {
      SCOPED_TRACE(shape.to_string());
      const Trial<TypeParam> trial(add_silu(), shape);
      EXPECT_TRUE(close(trial.cuda(gap).download().view(), trial.reference().view(),
                        kTolerance<TypeParam>));
    }
  }
}

TYPED_TEST(ElementwiseCuda, EveryStep) {
  for (const Step& step : every_step()) {
    const Trial<TypeParam> trial({{step}}, {2, 9, 4, 5});
    SCOPED_TRACE(to_string(trial.desc));
    EXPECT_TRUE(
        close(trial.cuda().download().view(), trial.reference().view(), kTolerance<TypeParam>));
  }
}

TYPED_TEST(ElementwiseCuda, WithoutItsAddItIsSeen) {
  Trial<TypeParam> trial(add_silu(), {1, 17, 9, 13});
  const test::Tensor<float> right = trial.reference();
  trial.desc = {{step::mul(1.0f), step::activate(Function::silu)}};
  EXPECT_FALSE(close(trial.cuda().download().view(), right.view(), kTolerance<TypeParam>));
}

TEST(ElementwiseCudaLaunch, WhatIsTooLargeIsRefused) {
  const auto stream = device::make_stream();
  const Shape shape{1, 8, 65536, 65536};
  EXPECT_EQ(test::error_of([&] {
              cuda<float>(
                  add_silu(),
                  {.input = {nullptr, shape, 8}, .operands = {}, .output = {nullptr, shape, 8}},
                  *stream);
            }),
            "elementwise on CUDA: 8589934592 groups of 16 bytes are beyond its 31 bits");
}

}  // namespace
}  // namespace kintsugi::elementwise
