// SPDX-License-Identifier: MIT
#include "kernels/pool/pool.h"

#include "tests/kernels/support.h"

namespace kintsugi::pool {
namespace {

using test::close;
using test::Random;
using test::same_bits;
using test::Tensor;

TEST(PoolShape, TakesWindowsThatFit) {
  EXPECT_EQ(output_shape({.kernel = 3, .stride = 2, .padding = 1}, {2, 3, 8, 9}),
            (Shape{2, 3, 4, 5}));
  EXPECT_EQ(output_shape({.kernel = {2, 3}, .stride = {2, 3}}, {1, 1, 5, 8}), (Shape{1, 1, 2, 2}));
  EXPECT_EQ(test::error_of([] {
              (void)output_shape({.kernel = 3, .padding = 2}, {1, 3, 8, 8});
            }),
            "pool max 3x3, padding 2: padding can be half of the kernel at most");
  EXPECT_EQ(test::error_of([] {
              (void)output_shape({.mode = Mode::average,
                                  .kernel = 5,
                                  .stride = {1, 2},
                                  .padding = 1,
                                  .count_include_pad = false},
                                 {1, 3, 2, 8});
            }),
            "pool average 5x5, stride 1x2, padding 1 not counted: the input [1, 3, 2, 8] leaves no "
            "output pixel");
  EXPECT_NE(test::error_of([] { (void)output_shape({.kernel = 0}, {1, 3, 8, 8}); }), "");
  EXPECT_NE(test::error_of([] { (void)output_shape({.stride = 0}, {1, 3, 8, 8}); }), "");
  EXPECT_NE(test::error_of([] { (void)output_shape({}, {1, 0, 8, 8}); }), "");
  EXPECT_NE(test::error_of([] { (void)output_shape({}, {3, 8, 8}); }), "");
}

TEST(PoolCost, CountsTaps) {
  EXPECT_EQ(flops({.kernel = 3, .stride = 2, .padding = 1}, {1, 2, 8, 8}), 2 * 16 * 9);
  EXPECT_EQ(bytes({.kernel = 2, .stride = 2}, {1, 2, 8, 8}, 2), 2 * (2 * 64 + 2 * 16));
}

TEST(PoolReference, ComputesWhatPyTorchComputes) {
  // A picture of 4x4 and what PyTorch 1.13 makes of it.
  const float picture[4][4] = {
      {1, -2, 4, 0}, {0.5f, 3, -1, 2}, {-3, 0.25f, 6, -0.5f}, {2, 5, -4, 1.5f}};
  Tensor<float> input({1, 1, 4, 4});
  input.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
    v = c == 0 ? picture[y][x] : 0.0f;
  });
  const auto expect = [&](const Desc& desc, const std::vector<float>& pytorchs) {
    Tensor<float> output(output_shape(desc, input.shape()));
    ASSERT_EQ(output.shape().pixels(), static_cast<int64_t>(pytorchs.size()));
    reference<float>(desc, {input.view(), output.view()}, test::threads());
    for (size_t i = 0; i < pytorchs.size(); ++i) {
      EXPECT_NEAR(output.data()[4 * i], pytorchs[i], 1e-7) << to_string(desc) << " " << i;
    }
  };
  expect({.kernel = 3, .stride = 2, .padding = 1}, {3, 4, 5, 6});
  expect({.kernel = {2, 3}, .stride = {1, 2}, .padding = {1, 0}}, {4, 4, 6, 6, 5});
  const Desc average{.mode = Mode::average, .kernel = 3, .stride = 2, .padding = 1};
  expect(average, {0.277777791f, 0.666666687f, 0.861111104f, 1.36111116f});
  Desc inside = average;
  inside.count_include_pad = false;
  expect(inside, {0.625f, 1.0f, 1.29166663f, 1.36111116f});
}

TEST(PoolReference, NeverHidesNaN) {
  // PyTorch likewise: every window that holds the NaN is NaN, wherever in it that stands.
  Random random(5);
  Tensor<float> input = Tensor<float>::random({1, 6, 5, 5}, random), out(input.shape());
  input.view().at(0, 5, 2, 2) = std::numeric_limits<float>::quiet_NaN();
  for (const Mode mode : {Mode::max, Mode::average}) {
    reference<float>({.mode = mode, .kernel = 3, .padding = 1}, {input.view(), out.view()},
                     test::threads());
    out.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
      EXPECT_EQ(std::isnan(v), c == 5 && y >= 1 && y <= 3 && x >= 1 && x <= 3);
    });
  }
}

TEST(PoolCpu, TheLowestNumberIsOne) {
  Tensor<float> input({1, 1, 2, 2}), output({1, 1, 1, 1});
  input.for_each([](int64_t, int64_t c, int64_t, int64_t, float& v) {
    v = c == 0 ? -std::numeric_limits<float>::infinity() : 0.0f;
  });
  cpu({.kernel = 2}, simd::chosen(), {input.view(), output.view()}, test::threads());
  EXPECT_EQ(output.view().at(0, 0, 0, 0), -std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace kintsugi::pool
