// SPDX-License-Identifier: MIT
#include "kernels/norm/norm.h"

#include "kernels/elementwise/elementwise.h"
#include "tests/kernels/support.h"

namespace kintsugi::norm {
namespace {

using test::close;
using test::Random;
using test::row;
using test::same_bits;
using test::Tensor;

TEST(NormShape, IsScaleAndShiftOfEveryChannel) {
  EXPECT_EQ(output_shape({.groups = 2}, {3, 4, 5, 6}), (Shape{3, 4, 1, 1}));
  EXPECT_EQ(test::error_of([] {
              (void)output_shape({.groups = 3}, {1, 4, 5, 5});
            }),
            "norm_stats, groups 3, eps 1e-05: the channels of [1, 4, 5, 5] are no whole groups");
  EXPECT_EQ(test::error_of([] {
              (void)output_shape({.groups = 1, .eps = -1, .affine = true}, {1, 4, 5, 5});
            }),
            "norm_stats, groups 1, eps -1, affine: groups must be positive, eps a number that is "
            "not negative");
  EXPECT_NE(test::error_of([] { (void)output_shape({.groups = 0}, {1, 4, 5, 5}); }), "");
  EXPECT_NE(test::error_of([] { (void)output_shape({}, {1, 4, 0, 5}); }), "");
  EXPECT_NE(test::error_of([] { (void)output_shape({}, {4, 5, 5}); }), "");
}

TEST(NormCost, ReadsThePictureOnce) {
  EXPECT_EQ(flops({}, {2, 4, 5, 5}), 4 * 200);
  EXPECT_EQ(bytes({}, {2, 4, 5, 5}, 2), 2 * 200 + 4 * 16);
  EXPECT_EQ(bytes({.affine = true}, {2, 4, 5, 5}, 4), 4 * (200 + 16 + 8));
}

TEST(NormReference, ComputesWhatPyTorchComputes) {
  // Four channels of 2x2 pixels, and what PyTorch 1.13 makes of the first pixel of each.
  const float picture[4][4] = {{0.5f, -1.25f, 2.0f, 3.5f},
                               {4.0f, 0.25f, -2.0f, 1.0f},
                               {-0.75f, 1.5f, 6.0f, -3.0f},
                               {0.125f, 2.5f, -1.0f, 5.0f}};
  Tensor<float> input({1, 4, 2, 2}), output({1, 4, 2, 1});
  input.for_each(
      [&](int64_t, int64_t c, int64_t y, int64_t x, float& v) { v = picture[c][2 * y + x]; });
  const std::vector<float> weight{1.5f, -0.5f, 2.0f, 0.25f}, bias{0.25f, 1.0f, -2.0f, 0.5f};
  const auto first_pixels = [&](const Desc& desc, const std::vector<double>& pytorchs) {
    reference<float>(desc,
                     {.input = input.view(),
                      .weight = weight,
                      .bias = bias,
                      .scale = row(output.view(), 0),
                      .shift = row(output.view(), 1)},
                     test::threads());
    for (int64_t c = 0; c < 4; ++c) {
      const double y =
          static_cast<double>(picture[c][0]) * static_cast<double>(output.view().at(0, c, 0, 0)) +
          static_cast<double>(output.view().at(0, c, 1, 0));
      EXPECT_NEAR(y, pytorchs[static_cast<size_t>(c)], 1e-6) << to_string(desc) << " " << c;
    }
  };
  first_pixels({.groups = 1, .affine = true},
               {-0.142810643, 0.424193263, -3.53338099, 0.396670312});  // GroupNorm(1)
  first_pixels({.groups = 2, .affine = true},
               {-0.130234063, 0.239531875, -3.41857982, 0.398479491});
  first_pixels({.groups = 4, .affine = true},
               {-0.335193813, 0.257352293, -3.01418471, 0.334080428});
  first_pixels({.groups = 4},
               {-0.390129179, 1.4852953, -0.507092297, -0.663678229});  // InstanceNorm2d
}

Tensor<float> shift_of(const Desc& desc, const Tensor<float>& input, std::vector<float> workspace) {
  Tensor<float> scale(output_shape(desc, input.shape())), shift(scale.shape());
  cpu(desc, simd::chosen(),
      {.input = input.view(),
       .weight = {},
       .bias = {},
       .scale = scale.view(),
       .shift = shift.view(),
       .workspace = std::span(workspace)},
      test::threads());
  return shift;
}

TEST(NormCpu, NeverHidesWhatIsNotFinite) {
  const Desc desc{.groups = 2};
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Random random(3);
    Tensor<float> input = Tensor<float>::random({2, 8, 20, 20}, random);
    input.view().at(1, 5, 19, 19) = bad;
    const Tensor<float> out =
        shift_of(desc, input, test::scratch_of(workspace_elements(desc, input.shape())));
    for (int64_t c = 0; c < 8; ++c) {
      EXPECT_FALSE(std::isnan(out.view().at(0, c, 0, 0)));
      EXPECT_EQ(std::isnan(out.view().at(1, c, 0, 0)), c >= 4) << c;
    }
  }
}

TEST(NormCpu, AWorkspaceTooSmallIsRefused) {
  EXPECT_EQ(test::error_of([] {
              (void)shift_of({}, Tensor<float>({1, 4, 4, 4}), {});
            }),
            "norm_stats, groups 1, eps 1e-05: the workspace is too small");
}

}  // namespace
}  // namespace kintsugi::norm
