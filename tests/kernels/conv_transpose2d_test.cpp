// SPDX-License-Identifier: MIT
#include "kernels/conv_transpose2d/conv_transpose2d.h"

#include "kernels/conv2d/conv2d.h"
#include "tests/kernels/conv_transpose2d_cases.h"
#include "tests/kernels/support.h"

namespace kintsugi::conv_transpose2d {
namespace {

using test::close;
using test::OperandSet;
using test::Random;
using test::same_bits;
using test::Tensor;

/// Random inputs of a transposed convolution, and its result by either backend.
struct Problem {
  Desc desc;
  Tensor<float> input;
  std::vector<float> weight;
  OperandSet<float> operands;

  Problem(const Desc& d, const Shape& shape, int64_t gap = 0, uint32_t seed = 1)
      : Problem(d, shape, gap, Random(seed)) {}

  [[nodiscard]] Tensor<float> reference() const {
    Tensor<float> output(output_shape(desc, input.shape()));
    const auto bound = operands.bind();
    conv_transpose2d::reference<float>(desc, {input.view(), weight, bound, output.view()},
                                       test::threads());
    return output;
  }

  [[nodiscard]] Tensor<float> cpu(Parallel& parallel = test::threads(), int64_t gap = 0) const {
    return cpu(choose(desc, input.shape(), simd::chosen()), parallel, gap);
  }

  [[nodiscard]] Tensor<float> cpu(const CpuConfig& config, Parallel& parallel = test::threads(),
                                  int64_t gap = 0) const {
    std::vector<float> packed(static_cast<size_t>(packed_elements(desc, config)));
    pack(desc, config, weight, packed);
    Tensor<float> output(output_shape(desc, input.shape()), gap);
    const auto bound = operands.bind();
    conv_transpose2d::cpu(desc, config, {input.view(), packed, bound, output.view()}, parallel);
    return output;
  }

 private:
  Problem(const Desc& d, const Shape& shape, int64_t gap, Random random)
      : desc(d),
        input(Tensor<float>::random(shape, random, gap)),
        weight(random.values(d.weight_shape().elements())),
        operands(d.epilogue, output_shape(d, shape), random) {}
};

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
  for (const Case& c : corners()) {
    Random random(7);
    const Shape small = c.input;  // the side of y
    const Shape large = output_shape(c.desc, small);
    const conv2d::Desc forward{.in_channels = c.desc.out_channels,
                               .out_channels = c.desc.in_channels,
                               .kernel = c.desc.kernel,
                               .stride = c.desc.stride,
                               .dilation = c.desc.dilation,
                               .padding = c.desc.padding};
    if (!(conv2d::output_shape(forward, large) == small)) continue;  // output padding beyond it
    const auto x = Tensor<float>::random(large, random).as<double>();
    const auto y = Tensor<float>::random(small, random).as<double>();
    const std::vector<float> values = random.values(c.desc.weight_shape().elements());
    const std::vector<double> weight(values.begin(), values.end());
    Tensor<double> down(small), up(large);
    conv2d::reference<double>(forward, {x.view(), weight, {}, down.view()}, test::threads());
    reference<double>(c.desc, {y.view(), weight, {}, up.view()}, test::threads());
    EXPECT_NEAR(dot(down.view(), y.view()), dot(x.view(), up.view()), 1e-9) << c.name;
  }
}

TEST(ConvTranspose2dReference, FloatAgreesWithDouble) {
  for (const Case& c : corners()) {
    const Problem p(c.desc, c.input);
    const Tensor<double> input = p.input.as<double>();
    const std::vector<double> weight(p.weight.begin(), p.weight.end());
    Tensor<double> output(output_shape(c.desc, c.input));
    reference<double>(c.desc, {input.view(), weight, {}, output.view()}, test::threads());
    EXPECT_TRUE(close(p.reference().view(), output.view(), 1e-7)) << c.name;
  }
}

// The CPU kernel, against the reference.

class ConvTranspose2dCpu : public testing::TestWithParam<Case> {};

TEST_P(ConvTranspose2dCpu, AgreesWithReference) {
  const Problem p(GetParam().desc, GetParam().input);
  Tensor<float> output = p.cpu();
  EXPECT_TRUE(close(output.view(), p.reference().view()));
  EXPECT_TRUE(test::pads_are_zero(output));
}

TEST_P(ConvTranspose2dCpu, KeepsToItsView) {
  const Problem p(GetParam().desc, GetParam().input, 12);
  Tensor<float> output = p.cpu(test::threads(), 8);
  EXPECT_TRUE(close(output.view(), p.reference().view()));
  EXPECT_TRUE(test::pads_are_zero(output));
}

INSTANTIATE_TEST_SUITE_P(Cases, ConvTranspose2dCpu, testing::ValuesIn(test_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(ConvTranspose2dCpuPolicy, ThePlainestConfigAgreesWithTheChosen) {
  for (const simd::Isa isa : simd::available()) {
    const CpuConfig plain{.isa = isa};
    EXPECT_EQ(plain.vectors, 1);
    EXPECT_EQ(plain.tile_pixels, 1);
    EXPECT_EQ(plain.task_rows, 1);
    for (const Case& c : corners()) {
      const Problem p(c.desc, c.input);
      EXPECT_TRUE(close(p.cpu(plain).view(), p.cpu(choose(c.desc, c.input, isa)).view()))
          << to_string(plain) << " of " << c.name;
    }
  }
}

TEST(ConvTranspose2dCpuBits, DependNeitherOnThreadsNorOnTheBatch) {
  const Desc desc{.in_channels = 6, .out_channels = 37, .kernel = 4, .stride = 2, .padding = 1};
  const Problem all(desc, {3, 6, 9, 21});
  ThreadPool one(1), three(3);
  Tensor<float> together = all.cpu();
  EXPECT_TRUE(same_bits(all.cpu(one).data(), together.data()));
  EXPECT_TRUE(same_bits(all.cpu(three).data(), together.data()));
  for (int64_t n = 0; n < 3; ++n) {
    Problem alone(desc, {1, 6, 9, 21});
    alone.weight = all.weight;
    alone.input.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
      v = all.input.view().at(n, c, y, x);
    });
    const Tensor<float> output = alone.cpu();
    const float* begin = together.view().pixel(n, 0, 0);
    EXPECT_TRUE(same_bits(output.data(), {begin, begin + output.data().size()}));
  }
}

TEST(ConvTranspose2dCpuEpilogue, EveryStep) {
  for (const Step& step : test::every_step()) {
    for (const int64_t k : {3, 17, 40}) {
      const Problem p({.in_channels = 3,
                       .out_channels = k,
                       .kernel = 3,
                       .stride = 2,
                       .padding = 1,
                       .epilogue = {step}},
                      {2, 3, 3, 9});
      Tensor<float> output = p.cpu();
      EXPECT_TRUE(close(output.view(), p.reference().view()))
          << to_string(p.desc.epilogue) << " on " << k << " channels";
      EXPECT_TRUE(test::pads_are_zero(output)) << to_string(p.desc.epilogue);
    }
  }
}

TEST(ConvTranspose2dCpuEpilogue, NeverHidesNaN) {
  for (const Step& step : test::every_step()) {
    Problem p({.in_channels = 3,
               .out_channels = 5,
               .kernel = 4,
               .stride = 2,
               .padding = 1,
               .epilogue = {step}},
              {1, 3, 4, 15});
    p.input.view().at(0, 1, 2, 7) = std::numeric_limits<float>::quiet_NaN();
    const Tensor<float> output = p.cpu();
    for (int64_t k = 0; k < 5; ++k) {
      EXPECT_TRUE(std::isnan(output.view().at(0, k, 3, 13))) << to_string(p.desc.epilogue);
      EXPECT_TRUE(std::isnan(output.view().at(0, k, 6, 16))) << to_string(p.desc.epilogue);
      EXPECT_FALSE(std::isnan(output.view().at(0, k, 3, 17))) << to_string(p.desc.epilogue);
    }
  }
}

}  // namespace
}  // namespace kintsugi::conv_transpose2d
