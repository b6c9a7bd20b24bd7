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
            "pad reflect, top 4, bottom 0, left 0, right 0: reflecting needs a picture larger "
            "than the padding, not [1, 3, 4, 4]");
}

TEST(PadCost, CopiesOnly) {
  EXPECT_EQ(flops({.top = 1}, {1, 3, 4, 4}), 0);
  EXPECT_EQ(bytes({.top = 1}, {1, 3, 4, 4}, 4), 4 * (3 * 16 + 3 * 20));
  EXPECT_FALSE(accepts({.top = 1}, step::add(1.0f)));
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

struct Case {
  Desc desc;
  Shape input;
};

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
    for (const int64_t channels : {1, 3, 4, 5, 37}) {
      out.push_back(
          {{.top = 1, .bottom = 2, .left = 3, .right = 0, .mode = mode}, {2, channels, 3, 4}});
      out.push_back({{.right = 1, .mode = mode}, {1, channels, 1, 2}});
      out.push_back(
          {{.top = 4, .bottom = 4, .left = 4, .right = 4, .mode = mode}, {1, channels, 5, 5}});
      out.push_back({{.mode = mode}, {3, channels, 2, 2}});
    }
  }
  return out;
}

TEST(PadCpu, IsTheReferenceBitForBit) {
  for (const Case& c : cases()) {
    for (const int64_t gap : {0, 8}) {
      Random random(5);
      const Tensor<float> input = Tensor<float>::random(c.input, random, gap);
      Tensor<float> expected(output_shape(c.desc, c.input), gap), output(expected.shape(), gap);
      reference<float>(c.desc, {input.view(), expected.view()}, test::threads());
      cpu(c.desc, {input.view(), output.view()}, test::threads());
      EXPECT_TRUE(close(output.view(), expected.view(), 0))
          << to_string(c.desc) << " " << c.input.to_string();
      EXPECT_TRUE(test::pads_are_zero(output)) << to_string(c.desc);
    }
  }
}

// The kernel, driven by a description that is wrong in one place, must not pass.

TEST(PadPlantedError, EveryWrongBorderFails) {
  Random random(5);
  const Tensor<float> input = Tensor<float>::random({1, 4, 64, 64}, random);
  for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
    const Desc right{.top = 2, .bottom = 2, .left = 2, .right = 2, .mode = mode};
    Tensor<float> expected(output_shape(right, input.shape())), output(expected.shape());
    reference<float>(right, {input.view(), expected.view()}, test::threads());
    const auto by = [&](const Desc& desc) {
      cpu(desc, {input.view(), output.view()}, test::threads());
      return close(output.view(), expected.view());
    };
    EXPECT_TRUE(by(right));
    EXPECT_FALSE(by({.top = 1, .bottom = 3, .left = 2, .right = 2, .mode = mode}));
    EXPECT_FALSE(by({.top = 3, .bottom = 1, .left = 2, .right = 2, .mode = mode}));
    EXPECT_FALSE(by({.top = 2, .bottom = 2, .left = 1, .right = 3, .mode = mode}));
    EXPECT_FALSE(by({.top = 2, .bottom = 2, .left = 3, .right = 1, .mode = mode}));
    Desc other = right;
    other.mode = mode == PaddingMode::zero ? PaddingMode::reflect : PaddingMode::zero;
    EXPECT_FALSE(by(other));
  }
}

}  // namespace
}  // namespace kintsugi::pad
