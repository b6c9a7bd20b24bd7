// SPDX-License-Identifier: MIT
#include "kernels/reduce/reduce.h"

#include "tests/kernels/support.h"

namespace kintsugi::reduce {
namespace {

using test::close;
using test::Random;
using test::Tensor;

std::vector<Desc> every_desc() {
  std::vector<Desc> out;
  for (const Over over : {Over::pixels, Over::channels}) {
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::max}) {
      out.push_back({.reduction = reduction, .over = over});
    }
  }
  return out;
}

Tensor<float> run(const Desc& desc, TensorView<const float> input, int64_t gap = 0,
                  Parallel& parallel = test::threads()) {
  Tensor<float> out(output_shape(desc, input.shape), gap);
  std::vector<float> workspace(static_cast<size_t>(workspace_elements(desc, input.shape)),
                               std::numeric_limits<float>::quiet_NaN());
  cpu(desc, simd::chosen(),
      {.input = input, .output = out.view(), .workspace = std::span(workspace)}, parallel);
  return out;
}

Tensor<float> define(const Desc& desc, TensorView<const float> input) {
  Tensor<float> out(output_shape(desc, input.shape));
  reference<float>(desc, {.input = input, .output = out.view(), .workspace = {}}, test::threads());
  return out;
}

TEST(ReduceShape, KeepsTheOtherAxes) {
  EXPECT_EQ(output_shape({.over = Over::pixels}, {2, 3, 4, 5}), (Shape{2, 3, 1, 1}));
  EXPECT_EQ(output_shape({.over = Over::channels}, {2, 3, 4, 5}), (Shape{2, 1, 4, 5}));
  EXPECT_EQ(test::error_of([] {
              (void)output_shape({}, {2, 3, 0, 5});
            }),
            "reduce mean over pixels: the input [2, 3, 0, 5] has no element");
  EXPECT_EQ(test::error_of([] {
              (void)output_shape({.reduction = Reduction::max, .over = Over::channels}, {3, 4, 5});
            }),
            "reduce max over channels: the input [3, 4, 5] is not [N, C, H, W]");
}

TEST(ReduceCost, ReadsThePictureOnce) {
  EXPECT_EQ(flops({}, {2, 3, 4, 5}), 120);
  EXPECT_EQ(bytes({}, {2, 3, 4, 5}, 2), 2 * (120 + 6));
  EXPECT_EQ(bytes({.over = Over::channels}, {2, 3, 4, 5}, 4), 4 * (120 + 40));
  EXPECT_EQ(workspace_elements({.over = Over::channels}, {2, 3, 4, 5}), 0);
}

TEST(ReduceReference, ComputesWhatPyTorchComputes) {
  // Three channels of 2x2 pixels, and what PyTorch 1.13 makes of them.
  const float picture[3][4] = {{0.5f, -1.25f, 2, 3.5f}, {4, 0.25f, -2, 1}, {-0.75f, 1.5f, 6, -3}};
  Tensor<float> input({1, 3, 2, 2});
  input.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
    v = c < 3 ? picture[c][2 * y + x] : 0.0f;
  });
  const auto expect = [&](const Desc& desc, const std::vector<float>& pytorchs) {
    const Tensor<float> out = define(desc, input.view());
    for (size_t i = 0; i < pytorchs.size(); ++i) {
      const size_t at = desc.over == Over::pixels ? i : 4 * i;
      EXPECT_NEAR(out.data()[at], pytorchs[i], 1e-7) << to_string(desc) << " " << i;
    }
  };
  const std::vector<Desc> descs = every_desc();
  expect(descs[0], {1.1875f, 0.8125f, 0.9375f});
  expect(descs[1], {4.75f, 3.25f, 3.75f});
  expect(descs[2], {3.5f, 4, 6});
  expect(descs[3], {1.25f, 0.166666672f, 2, 0.5f});
  expect(descs[4], {3.75f, 0.5f, 6, 1.5f});
  expect(descs[5], {4, 1.5f, 6, 3.5f});
}

TEST(ReduceCpu, ManyPixelsLoseNoDigits) {
  // 2^20 numbers about one: f32 added in line would be off by the fifth digit.
  Random random(5);
  Tensor<float> input = Tensor<float>::random({1, 4, 1024, 1024}, random);
  input.for_each([](int64_t, int64_t, int64_t, int64_t, float& v) { v = 1.0f + 0.5f * v; });
  for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
    const Desc desc{.reduction = reduction};
    EXPECT_TRUE(close(run(desc, input.view()).view(), define(desc, input.view()).view(), 2e-7));
  }
}

TEST(ReduceCpu, AWorkspaceTooSmallIsRefused) {
  Tensor<float> input({1, 4, 4, 4}), out({1, 4, 1, 1});
  EXPECT_EQ(test::error_of([&] {
              cpu({}, simd::chosen(),
                  {.input = input.view(), .output = out.view(), .workspace = {}}, test::threads());
            }),
            "reduce mean over pixels: the workspace is too small");
}

}  // namespace
}  // namespace kintsugi::reduce
