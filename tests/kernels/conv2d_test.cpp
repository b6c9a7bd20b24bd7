// SPDX-License-Identifier: MIT
#include "kernels/conv2d/conv2d.h"

#include "kernels/conv2d/cases.h"
#include "tests/kernels/conv2d_problem.h"

namespace kintsugi::conv2d {
namespace {

using test::Tensor;

// The shape rule.

TEST(Conv2dShape, FollowsPyTorch) {
  EXPECT_EQ(output_shape({.in_channels = 4, .out_channels = 64, .kernel = 5, .padding = 2},
                         {2, 4, 256, 192}),
            (Shape{2, 64, 256, 192}));
  EXPECT_EQ(
      output_shape({.in_channels = 3, .out_channels = 8, .kernel = 3, .stride = 2, .padding = 1},
                   {1, 3, 7, 8}),
      (Shape{1, 8, 4, 4}));
  EXPECT_EQ(
      output_shape({.in_channels = 3, .out_channels = 8, .kernel = {1, 7}, .dilation = {1, 2}},
                   {1, 3, 5, 13}),
      (Shape{1, 8, 5, 1}));
}

TEST(Conv2dShape, RefusesWhatDoesNotFit) {
  const Desc desc{.in_channels = 3, .out_channels = 8, .kernel = 3};
  EXPECT_EQ(test::error_of([&] {
              (void)output_shape(desc, {1, 4, 8, 8});
            }),
            "conv2d 3x3 3->8: the input [1, 4, 8, 8] has not 3 channels");
  EXPECT_EQ(test::error_of([&] {
              (void)output_shape(desc, {1, 3, 2, 8});
            }),
            "conv2d 3x3 3->8: the input [1, 3, 2, 8] leaves no output pixel");
  EXPECT_EQ(test::error_of([&] {
              (void)output_shape(desc, {3, 8, 8});
            }),
            "conv2d 3x3 3->8: the input [3, 8, 8] is not [N, C, H, W]");
  const Desc mirror{.in_channels = 3,
                    .out_channels = 8,
                    .kernel = 7,
                    .padding = 3,
                    .padding_mode = PaddingMode::reflect};
  EXPECT_EQ(test::error_of([&] {
              (void)output_shape(mirror, {1, 3, 8, 3});
            }),
            "conv2d 7x7 3->8, padding 3 reflect: reflecting needs an image larger than the "
            "padding, not [1, 3, 8, 3]");
  const Desc still{.in_channels = 3, .out_channels = 8, .kernel = 3, .stride = 0};
  EXPECT_NE(test::error_of([&] { (void)output_shape(still, {1, 3, 8, 8}); }), "");
}

TEST(Conv2dCost, CountsFlopsAndBytes) {
  const Desc desc{.in_channels = 256, .out_channels = 256, .kernel = 3, .padding = 1};
  EXPECT_EQ(flops(desc, {1, 256, 64, 64}), int64_t{2} * 64 * 64 * 256 * 256 * 9);
  EXPECT_EQ(bytes(desc, {1, 256, 64, 64}, 4), 4 * (2 * 64 * 64 * 256 + 256 * 256 * 9));
}

// The reference, against numbers worked out by hand and against what a convolution must do.

TEST(Conv2dReference, KnownNumbers) {
  // A 2x3 picture of two channels under a 2x2 filter:
  //   1 2 3    1 0 0        1 10     0 1
  //   4 5 6    0 1 0        0  1     2 0    (first and second channel each)
  Tensor<float> input({1, 2, 2, 3});
  const std::vector<float> first{1, 2, 3, 4, 5, 6}, second{1, 0, 0, 0, 1, 0};
  input.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
    const size_t i = static_cast<size_t>(y * 3 + x);
    v = c == 0 ? first[i] : c == 1 ? second[i] : 0.0f;
  });
  const std::vector<float> weight{1, 10, 0, 1, 0, 1, 2, 0};
  const Desc desc{.in_channels = 2, .out_channels = 1, .kernel = 2};
  Tensor<float> output({1, 1, 1, 2});
  reference<float>(desc, {input.view(), weight, {}, output.view()}, test::threads());
  EXPECT_EQ(output.view().at(0, 0, 0, 0), 1 + 20 + 5 + 0 + 0);
  EXPECT_EQ(output.view().at(0, 0, 0, 1), 2 + 30 + 6 + 0 + 2);
}

TEST(Conv2dReference, OneTapShiftsThePicture) {
  for (int64_t r = 0; r < 3; ++r) {
    for (int64_t s = 0; s < 3; ++s) {
      Problem p({.in_channels = 1, .out_channels = 1, .kernel = 3, .dilation = 2, .padding = 2},
                {1, 1, 6, 7});
      std::fill(p.weight.begin(), p.weight.end(), 0.0f);
      p.weight[static_cast<size_t>(r * 3 + s)] = 1.0f;
      const Tensor<float> output = p.reference();
      for (int64_t y = 0; y < 6; ++y) {
        for (int64_t x = 0; x < 7; ++x) {
          const int64_t iy = y + 2 * (r - 1), ix = x + 2 * (s - 1);
          const bool outside = iy < 0 || ix < 0 || iy >= 6 || ix >= 7;
          EXPECT_EQ(output.view().at(0, 0, y, x), outside ? 0 : p.input.view().at(0, 0, iy, ix));
        }
      }
    }
  }
}

TEST(Conv2dCpuPolicy, IgnoresTheBatch) {
  for (const OpCase& c : cases()) {
    const Shape& one = c.inputs[0];
    const Shape many{one.n() + 2, one.c(), one.h(), one.w()};
    const Desc& desc = *c.op.as<Desc>();
    EXPECT_EQ(choose(desc, one, simd::chosen()), choose(desc, many, simd::chosen()));
  }
}

TEST(Conv2dCpuEpilogue, MissingOperandIsAnError) {
  const Problem p({.in_channels = 3, .out_channels = 5, .epilogue = {step::add(Extent::channel)}},
                  {1, 3, 2, 2});
  const CpuConfig config = p.direct();
  const std::vector<float> packed(static_cast<size_t>(packed_elements(p.desc, config)));
  Tensor<float> output({1, 5, 2, 2});
  EXPECT_EQ(test::error_of([&] {
              cpu(p.desc, config, {p.input.view(), packed, {}, output.view()}, test::threads());
            }),
            "the steps \"add channel\" read 1 operands, not 0");
}

}  // namespace
}  // namespace kintsugi::conv2d
