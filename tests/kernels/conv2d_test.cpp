// SPDX-License-Identifier: MIT
#include "kernels/conv2d/conv2d.h"

#include "tests/kernels/conv2d_cases.h"
#include "tests/kernels/conv2d_problem.h"

namespace kintsugi::conv2d {
namespace {

using test::close;
using test::same_bits;
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
            "conv2d 7x7 3->8, padding 3 reflect: reflecting needs a picture larger than the "
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

TEST(Conv2dReference, FloatAgreesWithDouble) {
  for (const Case& c : corners()) {
    const Problem p(c.desc, c.input);
    const Tensor<double> input = p.input.as<double>();
    const std::vector<double> weight(p.weight.begin(), p.weight.end());
    Tensor<double> output(output_shape(c.desc, c.input));
    reference<double>(c.desc, {input.view(), weight, {}, output.view()}, test::threads());
    EXPECT_TRUE(close(p.reference().view(), output.view(), 1e-7)) << c.name;
  }
}

// The direct CPU kernel, against the reference; Winograd's form is in conv2d_winograd_test.cpp.

class Conv2dCpu : public testing::TestWithParam<Case> {};

TEST_P(Conv2dCpu, AgreesWithReference) {
  const Problem p(GetParam().desc, GetParam().input);
  Tensor<float> output = p.cpu();
  EXPECT_TRUE(close(output.view(), p.reference().view()));
  EXPECT_TRUE(test::pads_are_zero(output));
}

TEST_P(Conv2dCpu, KeepsToItsView) {
  const Problem p(GetParam().desc, GetParam().input, 12);
  Tensor<float> output = p.cpu(test::threads(), 8);
  EXPECT_TRUE(close(output.view(), p.reference().view()));
  EXPECT_TRUE(test::pads_are_zero(output));
}

INSTANTIATE_TEST_SUITE_P(Cases, Conv2dCpu, testing::ValuesIn(test_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(Conv2dCpuPolicy, IgnoresTheBatch) {
  for (const Case& c : test_cases()) {
    Shape many{c.input.n() + 2, c.input.c(), c.input.h(), c.input.w()};
    EXPECT_EQ(choose(c.desc, c.input, simd::chosen()), choose(c.desc, many, simd::chosen()));
  }
}

TEST(Conv2dCpuPolicy, ThePlainestConfigAgreesWithTheChosen) {
  for (const simd::Isa isa : simd::available()) {
    const CpuConfig plain{.isa = isa};
    EXPECT_EQ(plain.vectors, 1);
    EXPECT_EQ(plain.tile_pixels, 1);
    EXPECT_EQ(plain.task_rows, 1);
    for (const Case& c : corners()) {
      const Problem p(c.desc, c.input);
      EXPECT_TRUE(close(p.cpu(plain).view(), p.cpu(choose(c.desc, c.input, isa, false)).view()))
          << to_string(plain) << " of " << c.name;
    }
  }
}

TEST(Conv2dCpuBits, DoNotDependOnThreads) {
  const Problem p({.in_channels = 19, .out_channels = 70, .kernel = 3, .padding = 1},
                  {1, 19, 33, 47});
  ThreadPool one(1), three(3);
  const Tensor<float> two = p.cpu();
  EXPECT_TRUE(same_bits(p.cpu(one).data(), two.data()));
  EXPECT_TRUE(same_bits(p.cpu(three).data(), two.data()));
}

TEST(Conv2dCpuBits, DoNotDependOnTheBatch) {
  const Desc desc{.in_channels = 6, .out_channels = 20, .kernel = 5, .stride = 2, .padding = 2};
  const Problem all(desc, {3, 6, 12, 21});
  Tensor<float> together = all.cpu();
  const int64_t size = 12 * 21 * 8;
  for (int64_t n = 0; n < 3; ++n) {
    Problem one(desc, {1, 6, 12, 21});
    one.weight = all.weight;
    one.input.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
      v = all.input.view().at(n, c, y, x);
    });
    EXPECT_EQ(static_cast<int64_t>(one.input.data().size()), size);
    const Tensor<float> alone = one.cpu();
    const float* begin = together.view().pixel(n, 0, 0);
    const std::vector<float> part(begin, begin + alone.data().size());
    EXPECT_TRUE(same_bits(alone.data(), part)) << "sample " << n;
  }
}

TEST(Conv2dCpuEpilogue, EveryStep) {
  for (const Step& step : test::every_step()) {
    for (const int64_t k : {3, 17, 40}) {
      const Problem p(
          {.in_channels = 3, .out_channels = k, .kernel = 3, .padding = 1, .epilogue = {step}},
          {2, 3, 4, 17});
      Tensor<float> output = p.cpu();
      EXPECT_TRUE(close(output.view(), p.reference().view()))
          << to_string(p.desc.epilogue) << " on " << k << " channels";
      EXPECT_TRUE(test::pads_are_zero(output)) << to_string(p.desc.epilogue);
    }
  }
}

TEST(Conv2dCpuEpilogue, EightStepsInOrder) {
  const Problem p(
      {.in_channels = 5,
       .out_channels = 21,
       .kernel = 3,
       .stride = 2,
       .padding = 1,
       .epilogue = {step::mul(Extent::sample_channel), step::add(Extent::pixel),
                    step::affine(Extent::channel), step::activate(Function::elu),
                    step::add(Extent::tensor), step::mul(0.5f),
                    step::activate(Function::leaky_relu, 0.2f), step::clamp(-0.1f, 0.9f)}},
      {2, 5, 9, 20});
  EXPECT_TRUE(close(p.cpu().view(), p.reference().view()));
  EXPECT_FALSE(accepts(p.desc, step::add(1.0f)));
}

TEST(Conv2dCpuEpilogue, NeverHidesNaN) {
  for (const Step& step : test::every_step()) {
    Problem p({.in_channels = 3, .out_channels = 5, .kernel = 3, .padding = 1, .epilogue = {step}},
              {1, 3, 8, 30});
    p.input.view().at(0, 1, 4, 20) = std::numeric_limits<float>::quiet_NaN();
    const Tensor<float> output = p.cpu();
    for (int64_t k = 0; k < 5; ++k) {
      EXPECT_TRUE(std::isnan(output.view().at(0, k, 5, 19))) << to_string(p.desc.epilogue);
      EXPECT_FALSE(std::isnan(output.view().at(0, k, 2, 20))) << to_string(p.desc.epilogue);
    }
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
