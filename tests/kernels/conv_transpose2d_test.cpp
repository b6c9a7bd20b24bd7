// SPDX-License-Identifier: MIT
#include "kernels/conv_transpose2d/conv_transpose2d.h"

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_transpose2d/cases.h"
#include "tests/kernels/support.h"

namespace kintsugi::conv_transpose2d {
namespace {

using test::Random;
using test::Tensor;

// The shape rule.

TEST(ConvTranspose2dShape, FollowsPyTorch) {
  const Desc up{.in_channels = 256, .out_channels = 128, .kernel = 4, .stride = 2, .padding = 1};
  EXPECT_EQ(output_shape(up, {2, 256, 64, 48}), (Shape{2, 128, 128, 96}));
  Desc odd = up;
  odd.kernel = 3;
  EXPECT_EQ(output_shape(odd, {1, 256, 64, 48}), (Shape{1, 128, 127, 95}));
  odd.output_padding = 1;
  EXPECT_EQ(output_shape(odd, {1, 256, 64, 48}), (Shape{1, 128, 128, 96}));
}

TEST(ConvTranspose2dShape, RefusesWhatDoesNotFit) {
  const Desc up{.in_channels = 3, .out_channels = 8, .kernel = 4, .stride = 2, .padding = 1};
  EXPECT_EQ(test::error_of([&] {
              (void)output_shape(up, {1, 4, 8, 8});
            }),
            "conv_transpose2d 4x4 3->8, stride 2, padding 1: the input [1, 4, 8, 8] has not 3 "
            "channels");
  Desc more = up;
  more.output_padding = {0, 2};
  EXPECT_EQ(test::error_of([&] {
              (void)output_shape(more, {1, 3, 8, 8});
            }),
            "conv_transpose2d 4x4 3->8, stride 2, padding 1, output padding 0x2: the output "
            "padding must be below the stride or the dilation");
  Desc less = up;
  less.padding = 2;
  EXPECT_EQ(test::error_of([&] {
              (void)output_shape(less, {1, 3, 1, 8});
            }),
            "conv_transpose2d 4x4 3->8, stride 2, padding 2: the input [1, 3, 1, 8] leaves no "
            "output pixel");
}

TEST(ConvTranspose2dCost, CountsFlopsAndBytes) {
  const Desc up{.in_channels = 256, .out_channels = 128, .kernel = 4, .stride = 2, .padding = 1};
  EXPECT_EQ(flops(up, {1, 256, 64, 64}), int64_t{2} * 64 * 64 * 256 * 128 * 16);
  EXPECT_EQ(bytes(up, {1, 256, 64, 64}, 4), 4 * (64 * 64 * 256 + 128 * 128 * 128 + 256 * 128 * 16));
}

// The reference, against numbers worked out by hand and against conv2d.

TEST(ConvTranspose2dReference, KnownNumbers) {
  // Two pixels, 1 and 10, spread by a 3-wide filter 1 2 3 at stride 2: they meet in the middle.
  Tensor<float> input({1, 1, 1, 2});
  input.for_each([](int64_t, int64_t c, int64_t, int64_t x, float& v) {
    v = c > 0 ? 0.0f : x == 0 ? 1.0f : 10.0f;
  });
  const std::vector<float> weight{1, 2, 3};
  const Desc desc{.in_channels = 1, .out_channels = 1, .kernel = {1, 3}, .stride = {1, 2}};
  Tensor<float> output({1, 1, 1, 5});
  reference<float>(desc, {input.view(), weight, {}, output.view()}, test::threads());
  const std::vector<float> expected{1, 2, 3 + 10, 20, 30};
  for (int64_t x = 0; x < 5; ++x) {
    EXPECT_EQ(output.view().at(0, 0, 0, x), expected[static_cast<size_t>(x)]);
  }
}

double dot(TensorView<const double> a, TensorView<const double> b) {
  double sum = 0;
  for (int64_t n = 0; n < a.shape.n(); ++n) {
    for (int64_t c = 0; c < a.shape.c(); ++c) {
      for (int64_t y = 0; y < a.shape.h(); ++y) {
        for (int64_t x = 0; x < a.shape.w(); ++x) sum += a.at(n, c, y, x) * b.at(n, c, y, x);
      }
    }
  }
  return sum;
}

TEST(ConvTranspose2dReference, IsTheAdjointOfConv2d) {
  // <conv2d(x), y> == <x, conv_transpose2d(y)>, with the very same weights: [K,C,R,S] of the
  // first is [C_in,K_out,R,S] of the second.
  std::vector<OpCase> corners;
  add_corners(corners);
  for (const OpCase& c : corners) {
    Random random(7);
    const Desc& desc = *c.op.as<Desc>();
    const Shape small = c.inputs[0];  // the side of y
    const Shape large = output_shape(desc, small);
    const conv2d::Desc forward{.in_channels = desc.out_channels,
                               .out_channels = desc.in_channels,
                               .kernel = desc.kernel,
                               .stride = desc.stride,
                               .dilation = desc.dilation,
                               .padding = desc.padding};
    if (!(conv2d::output_shape(forward, large) == small)) continue;  // output padding beyond it
    const auto x = Tensor<float>::random(large, random).as<double>();
    const auto y = Tensor<float>::random(small, random).as<double>();
    const std::vector<float> values = random.values(desc.weight_shape().elements());
    const std::vector<double> weight(values.begin(), values.end());
    Tensor<double> down(small), up(large);
    conv2d::reference<double>(forward, {x.view(), weight, {}, down.view()}, test::threads());
    reference<double>(desc, {y.view(), weight, {}, up.view()}, test::threads());
    EXPECT_NEAR(dot(down.view(), y.view()), dot(x.view(), up.view()), 1e-9) << c.name;
  }
}

}  // namespace
}  // namespace kintsugi::conv_transpose2d
