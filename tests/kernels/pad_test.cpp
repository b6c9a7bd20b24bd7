// SPDX-License-Identifier: MIT
#include "kernels/pad/pad.h"

#include "tests/kernels/support.h"

namespace kintsugi::pad {
namespace {

using test::close;
using test::Random;
using test::Tensor;

TEST(PadShape, AddsTheBorders) {
  EXPECT_EQ(output_shape({.top = 1, .bottom = 2, .left = 3, .right = 4}, {2, 3, 8, 8}),
            (Shape{2, 3, 11, 15}));
  EXPECT_EQ(test::error_of([] {
              (void)output_shape({.left = -1}, {1, 3, 4, 4});
            }),
            "pad zero, top 0, bottom 0, left -1, right 0: a border must not be negative");
  EXPECT_EQ(test::error_of([] {
              (void)output_shape({.top = 4, .mode = PaddingMode::reflect}, {1, 3, 4, 4});
            }),
            "pad reflect, top 4, bottom 0, left 0, right 0: reflecting needs an image larger "
            "than the padding, not [1, 3, 4, 4]");
}

TEST(PadCost, CopiesOnly) {
  EXPECT_EQ(flops({.top = 1}, {1, 3, 4, 4}), 0);
  EXPECT_EQ(bytes({.top = 1}, {1, 3, 4, 4}, 4), 4 * (3 * 16 + 3 * 20));
}

TEST(PadReference, KnownNumbers) {
  Tensor<float> input({1, 1, 1, 3});
  input.for_each([](int64_t, int64_t c, int64_t, int64_t x, float& v) {
    v = c > 0 ? 0.0f : static_cast<float>(x + 1);  // 1 2 3
  });
  const auto row = [&](const Desc& desc) {
    Tensor<float> output(output_shape(desc, input.shape()));
    reference<float>(desc, {input.view(), output.view()}, test::threads());
    std::vector<float> values;
    for (int64_t x = 0; x < output.shape().w(); ++x) {
      values.push_back(output.view().at(0, 0, 0, x));
    }
    return values;
  };
  EXPECT_EQ(row({.left = 2, .right = 1, .mode = PaddingMode::reflect}),
            (std::vector<float>{3, 2, 1, 2, 3, 2}));
  EXPECT_EQ(row({.left = 2, .right = 1}), (std::vector<float>{0, 0, 1, 2, 3, 0}));
}

}  // namespace
}  // namespace kintsugi::pad
