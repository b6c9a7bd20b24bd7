// SPDX-License-Identifier: MIT
#include "kernels/layer_norm/layer_norm.h"

#include "tests/kernels/support.h"

namespace kintsugi::layer_norm {
namespace {

using test::close;
using test::Random;
using test::same_bits;
using test::Tensor;

TEST(LayerNormShape, IsTheInputs) {
  EXPECT_EQ(output_shape({}, {2, 3, 4, 5}), (Shape{2, 3, 4, 5}));
  EXPECT_EQ(test::error_of([] {
              (void)output_shape({.affine = true}, {2, 3, 4});
            }),
            "layer_norm, eps 1e-05, affine: the input [2, 3, 4] is not [N, C, H, W]");
  EXPECT_EQ(test::error_of([] {
              (void)output_shape({.eps = -1}, {1, 3, 4, 4});
            }),
            "layer_norm, eps -1: eps must be a number that is not negative");
  EXPECT_NE(test::error_of([] { (void)output_shape({}, {1, 0, 4, 4}); }), "");
}

TEST(LayerNormCost, CountsBothPictures) {
  EXPECT_EQ(flops({}, {1, 3, 4, 5}), 6 * 60);
  EXPECT_EQ(flops({.affine = true}, {1, 3, 4, 5}), 8 * 60);
  EXPECT_EQ(bytes({}, {1, 3, 4, 5}, 2), 2 * 2 * 60);
  EXPECT_EQ(bytes({.affine = true}, {1, 3, 4, 5}, 4), 2 * 4 * 60 + 2 * 4 * 3);
}

TEST(LayerNormReference, ComputesWhatPyTorchComputes) {
  // Two pixels of five channels, and what nn.LayerNorm(5) of PyTorch 1.13 makes of them.
  const float picture[2][5] = {{0.5f, -1.25f, 2, 3.5f, 0.25f}, {4, 0.25f, -2, 1, -0.5f}};
  Tensor<float> input({1, 5, 1, 2}), output(input.shape());
  input.for_each(
      [&](int64_t, int64_t c, int64_t, int64_t x, float& v) { v = c < 5 ? picture[x][c] : 0.0f; });
  const std::vector<float> weight{1.5f, -0.5f, 2, 0.25f, 1, 0, 0, 0};
  const std::vector<float> bias{0.25f, 1, -2, 0.5f, 0, 0, 0, 0};
  const auto expect = [&](const Desc& desc, const std::vector<float>& pytorchs) {
    reference<float>(
        desc, {.input = input.view(), .weight = weight, .bias = bias, .output = output.view()},
        test::threads());
    for (int64_t i = 0; i < 10; ++i) {
      EXPECT_NEAR(output.view().at(0, i % 5, 0, i / 5), pytorchs[static_cast<size_t>(i)], 1e-6)
          << to_string(desc) << " " << i;
    }
  };
  expect({.affine = true}, {-0.212909177f, 1.69436383f, -0.765575528f, 0.885757685f, -0.462909162f,
                            2.85053205f, 1.0753777f, -4.56284332f, 0.556533337f, -0.527644217f});
  expect({.eps = 1e-3}, {-0.308547944f, -1.38846576f, 0.617095888f, 1.54273975f, -0.462821901f,
                         1.73347139f, -0.15073666f, -1.28126144f, 0.226104945f, -0.527578235f});
}

TEST(LayerNormCpu, AWeightTooShortIsRefused) {
  const Tensor<float> input({1, 6, 2, 2});
  Tensor<float> out(input.shape());
  const std::vector<float> six(6), eight(8);
  EXPECT_EQ(test::error_of([&] {
              cpu({.affine = true}, simd::chosen(),
                  {.input = input.view(), .weight = six, .bias = eight, .output = out.view()},
                  test::threads());
            }),
            "layer_norm, eps 1e-05, affine: weight or bias is too short");
}

}  // namespace
}  // namespace kintsugi::layer_norm
