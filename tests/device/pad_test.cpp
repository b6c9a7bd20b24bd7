// SPDX-License-Identifier: MIT
//
// pad on CUDA against its definition, bit for bit: on the emulator everywhere, on a GPU where there is
// one.
#include "tests/device/pad_trial.h"

namespace kintsugi::pad {
namespace {

using test::close;

template <class T>
class PadCuda : public testing::Test {};
TYPED_TEST_SUITE(PadCuda, Types);

TYPED_TEST(PadCuda, AgreesWithItsDefinition) {
  for (const Case& c : cases()) {
    for (const int64_t gap : {0, 2}) {
      SCOPED_TRACE(to_string(c.desc) + " of " + c.input.to_string());
      const Trial<TypeParam> trial(c);
      EXPECT_TRUE(close(trial.cuda(gap).download().view(), trial.reference().view(), 0));
    }
  }
}

TYPED_TEST(PadCuda, AWrongBorderIsSeen) {
  for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
    Trial<TypeParam> trial(
        {{.top = 2, .bottom = 2, .left = 2, .right = 2, .mode = mode}, {1, 4, 9, 8}});
    const test::Tensor<float> right = trial.reference();
    EXPECT_TRUE(close(trial.cuda().download().view(), right.view(), 0));
    trial.desc = {.top = 1, .bottom = 3, .left = 2, .right = 2, .mode = mode};
    EXPECT_FALSE(close(trial.cuda().download().view(), right.view(), 0));
    trial.desc = {.top = 2, .bottom = 2, .left = 3, .right = 1, .mode = mode};
    EXPECT_FALSE(close(trial.cuda().download().view(), right.view(), 0));
  }
}

TEST(PadCudaLaunch, WhatIsTooLargeIsRefused) {
  const auto stream = device::make_stream();
  const Shape shape{1, 8, 65536, 65536};
  EXPECT_EQ(
      test::error_of([&] {
        cuda<float>({}, {.input = {nullptr, shape, 8}, .output = {nullptr, shape, 8}}, *stream);
      }),
      "pad on CUDA: 8589934592 groups of 16 bytes are beyond its 31 bits");
}

}  // namespace
}  // namespace kintsugi::pad
