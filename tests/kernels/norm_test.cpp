// SPDX-License-Identifier: MIT
#include "kernels/norm/norm.h"

#include "kernels/elementwise/elementwise.h"
#include "tests/kernels/support.h"

namespace kintsugi::norm {
namespace {

using test::close;
using test::Random;
using test::same_bits;
using test::Tensor;

TEST(NormShape, IsScaleAndShiftOfEveryChannel) {
  EXPECT_EQ(output_shape({.groups = 2}, {3, 4, 5, 6}), (Shape{3, 4, 2, 1}));
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
  EXPECT_FALSE(accepts({}, step::add(1.0f)));
}

/// A random picture of some mean and deviation, with weight and bias, and its result by either backend.
struct Problem {
  Desc desc;
  Tensor<float> input;
  std::vector<float> weight, bias;

  Problem(const Desc& d, const Shape& shape, int64_t gap = 0, float mean = 0.25f)
      : Problem(d, shape, gap, mean, Random(3)) {}

  [[nodiscard]] Tensor<float> reference() const {
    const Tensor<double> in = input.as<double>();
    const std::vector<double> w(weight.begin(), weight.end()), b(bias.begin(), bias.end());
    Tensor<double> out(output_shape(desc, input.shape()));
    norm::reference<double>(
        desc, {.input = in.view(), .weight = w, .bias = b, .output = out.view(), .workspace = {}},
        test::threads());
    return out.as<float>();
  }
  [[nodiscard]] Tensor<float> cpu(Parallel& parallel = test::threads(), int64_t gap = 0) const {
    Tensor<float> out(output_shape(desc, input.shape()), gap);
    std::vector<float> workspace(static_cast<size_t>(workspace_elements(desc, input.shape())),
                                 std::numeric_limits<float>::quiet_NaN());
    norm::cpu(desc, simd::chosen(),
              {.input = input.view(),
               .weight = weight,
               .bias = bias,
               .output = out.view(),
               .workspace = workspace},
              parallel);
    return out;
  }

 private:
  Problem(const Desc& d, const Shape& shape, int64_t gap, float mean, Random random)
      : desc(d), input(Tensor<float>::random(shape, random, gap)) {
    // Uniform in [-1, 1) has a deviation of 0.577: made 1, each channel a little different.
    input.for_each([&](int64_t, int64_t c, int64_t, int64_t, float& v) {
      if (c < shape.c()) v = mean + 1.7320508f * v * (1 + 0.125f * static_cast<float>(c % 3));
    });
    if (d.affine) weight = random.values(shape.c()), bias = random.values(shape.c());
  }
};

struct Case {
  Desc desc;
  Shape input;
};

std::vector<Case> cases() {
  return {{{.groups = 1}, {1, 1, 1, 1}},
          {{.groups = 3}, {2, 3, 5, 7}},
          {{.groups = 1, .affine = true}, {2, 3, 40, 70}},
          {{.groups = 5, .eps = 1e-6, .affine = true}, {1, 5, 33, 31}},
          {{.groups = 4, .affine = true}, {3, 36, 9, 11}},
          {{.groups = 17}, {1, 17, 19, 23}},
          {{.groups = 2, .affine = true}, {1, 130, 13, 17}},
          {{.groups = 600}, {2, 600, 6, 9}}};
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
                      .output = output.view(),
                      .workspace = {}},
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

TEST(NormCpu, AgreesWithItsDefinition) {
  for (const Case& c : cases()) {
    for (const int64_t gap : {0, 8}) {
      SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
      const Problem p(c.desc, c.input, gap);
      Tensor<float> output = p.cpu(test::threads(), gap);
      EXPECT_TRUE(close(output.view(), p.reference().view()));
      EXPECT_TRUE(test::pads_are_zero(output));
    }
  }
}

TEST(NormCpu, AStepAppliesIt) {
  const Problem p({.groups = 3, .affine = true}, {2, 9, 5, 7}, 4);
  const Tensor<float> stats = p.cpu(test::threads(), 4), exact = p.reference();
  Tensor<float> output(p.input.shape());
  Tensor<double> expected(p.input.shape());
  const std::vector<Operand<float>> rows{operand(stats.view(), 0), operand(stats.view(), 1)};
  elementwise::cpu({{step::affine(Extent::sample_channel)}}, simd::chosen(),
                   {p.input.view(), rows, output.view()}, test::threads());
  expected.for_each([&](int64_t n, int64_t c, int64_t y, int64_t x, double& v) {
    if (c >= 9) return;
    v = static_cast<double>(p.input.view().at(n, c, y, x)) *
            static_cast<double>(exact.view().at(n, c, 0, 0)) +
        static_cast<double>(exact.view().at(n, c, 1, 0));
  });
  EXPECT_TRUE(close(output.view(), expected.view()));
}

TEST(NormCpu, ALargeMeanTakesNoDigitFromTheVariance) {
  for (const Case& c : cases()) {
    const Problem p(c.desc, c.input, 0, 1000.0f);
    if (p.input.shape().pixels() < 30) continue;  // no deviation to speak of
    SCOPED_TRACE(to_string(c.desc) + " " + c.input.to_string());
    // The rows apart: shifts are a thousand times the scales.
    Tensor<float> actual = p.cpu(), expected = p.reference();
    for (const int64_t row : {0, 1}) {
      const Shape one{c.input.n(), c.input.c(), 1, 1};
      const auto only = [&](Tensor<float>& t) {
        return TensorView<const float>{t.view().pixel(0, row, 0), one, 2 * t.pitch()};
      };
      EXPECT_TRUE(close(only(actual), only(expected))) << "row " << row;
    }
  }
}

TEST(NormCpu, AnOutlyingFirstPixelDoesNoHarm) {
  Problem p({.groups = 4}, {1, 8, 50, 60});
  for (int64_t c = 0; c < 8; ++c) p.input.view().at(0, c, 0, 0) = 100.0f;
  EXPECT_TRUE(close(p.cpu().view(), p.reference().view()));
}

TEST(NormCpu, NeverHidesNaN) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Problem p({.groups = 2}, {2, 8, 20, 20});
    p.input.view().at(1, 5, 19, 19) = bad;
    const Tensor<float> out = p.cpu();
    for (int64_t c = 0; c < 8; ++c) {
      EXPECT_FALSE(std::isnan(out.view().at(0, c, 1, 0)));
      EXPECT_EQ(std::isnan(out.view().at(1, c, 1, 0)), c >= 4) << c;
    }
  }
}

TEST(NormCpu, SameBitsForAnyThreadCountAndBatch) {
  const Desc desc{.groups = 6, .affine = true};
  const Problem p(desc, {2, 24, 90, 70});
  ThreadPool one(1), three(3);
  const Tensor<float> two = p.cpu();
  EXPECT_TRUE(same_bits(p.cpu(one).data(), two.data()));
  EXPECT_TRUE(same_bits(p.cpu(three).data(), two.data()));
  // The second picture alone.
  const Shape single{1, 24, 90, 70};
  Tensor<float> out(output_shape(desc, single));
  std::vector<float> workspace(static_cast<size_t>(workspace_elements(desc, single)));
  cpu(desc, simd::chosen(),
      {.input = {p.input.view().pixel(1, 0, 0), single, p.input.pitch()},
       .weight = p.weight,
       .bias = p.bias,
       .output = out.view(),
       .workspace = workspace},
      test::threads());
  const std::vector<float>& all = two.data();
  EXPECT_TRUE(same_bits(out.data(), {all.begin() + 2 * 24, all.end()}));
}

TEST(NormCpu, AWorkspaceTooSmallIsRefused) {
  const Problem p({}, {1, 4, 4, 4});
  Tensor<float> out({1, 4, 2, 1});
  EXPECT_EQ(test::error_of([&] {
              cpu({}, simd::chosen(),
                  {.input = p.input.view(),
                   .weight = {},
                   .bias = {},
                   .output = out.view(),
                   .workspace = {}},
                  test::threads());
            }),
            "norm_stats, groups 1, eps 1e-05: the workspace is too small");
}

// The kernel, driven by a description that is wrong in one place, must not pass.

TEST(NormPlantedError, EveryWrongDescriptionFails) {
  const Problem p({.groups = 4, .affine = true}, {2, 16, 20, 20});
  const Tensor<float> expected = p.reference();
  const auto by = [&](const auto& change) {
    Problem other = p;
    change(other);
    return close(other.cpu().view(), expected.view());
  };
  EXPECT_TRUE(by([](Problem&) {}));
  EXPECT_FALSE(by([](Problem& o) { o.desc.groups = 2; }));
  EXPECT_FALSE(by([](Problem& o) { o.desc.groups = 16; }));
  EXPECT_FALSE(by([](Problem& o) { o.desc.eps = 1e-3; }));
  EXPECT_FALSE(by([](Problem& o) { o.desc.affine = false; }));
  EXPECT_FALSE(by([](Problem& o) { std::swap(o.weight[3], o.weight[4]); }));
  EXPECT_FALSE(by([](Problem& o) { std::swap(o.bias[3], o.bias[4]); }));
  EXPECT_FALSE(by([](Problem& o) { o.input.view().at(1, 15, 19, 19) += 0.5f; }));
}

}  // namespace
}  // namespace kintsugi::norm
