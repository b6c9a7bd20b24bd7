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
  EXPECT_FALSE(accepts({}, step::add(1.0f)));
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

struct Problem {
  Desc desc;
  Tensor<float> input, weight, bias;  // the vectors as pictures of one pixel

  Problem(const Desc& d, const Shape& shape, int64_t gap = 0, float mean = 0.25f)
      : Problem(d, shape, gap, mean, Random(3)) {}

  template <class T = float>
  [[nodiscard]] static Args<T> bind(const Tensor<T>& in, const Tensor<T>& w, const Tensor<T>& b,
                                    TensorView<T> out) {
    return {.input = in.view(), .weight = w.data(), .bias = b.data(), .output = out};
  }
  [[nodiscard]] Tensor<float> reference() const {
    const auto in = input.as<double>(), w = weight.as<double>(), b = bias.as<double>();
    Tensor<double> out(input.shape());
    layer_norm::reference<double>(desc, bind<double>(in, w, b, out.view()), test::threads());
    return out.as<float>();
  }
  [[nodiscard]] Tensor<float> cpu(Parallel& parallel = test::threads(), int64_t gap = 0) const {
    Tensor<float> out(input.shape(), gap);
    layer_norm::cpu(desc, simd::chosen(), bind<float>(input, weight, bias, out.view()), parallel);
    return out;
  }

 private:
  Problem(const Desc& d, const Shape& shape, int64_t gap, float mean, Random random)
      : desc(d),
        input(Tensor<float>::random(shape, random, gap)),
        weight(Tensor<float>::random({1, shape.c(), 1, 1}, random)),
        bias(Tensor<float>::random({1, shape.c(), 1, 1}, random)) {
    input.for_each([&](int64_t, int64_t c, int64_t, int64_t, float& v) {
      if (c < shape.c()) v = mean + 1.7320508f * v;  // a deviation of one
    });
  }
};

std::vector<Shape> shapes() {
  return {{1, 1, 1, 1},   {2, 3, 5, 7},   {3, 37, 2, 9},  {1, 64, 8, 8},
          {1, 130, 3, 5}, {2, 700, 1, 3}, {1, 1029, 2, 2}};
}

TEST(LayerNormCpu, AgreesWithItsDefinition) {
  for (const Shape& shape : shapes()) {
    for (const bool affine : {false, true}) {
      for (const int64_t gap : {0, 8}) {
        const Problem p({.affine = affine}, shape, gap);
        SCOPED_TRACE(to_string(p.desc) + " " + shape.to_string());
        Tensor<float> out = p.cpu(test::threads(), gap);
        EXPECT_TRUE(close(out.view(), p.reference().view()));
        EXPECT_TRUE(test::pads_are_zero(out));
      }
    }
  }
}

TEST(LayerNormCpu, ALargeMeanTakesNoDigit) {
  for (const Shape& shape : shapes()) {
    if (shape.c() < 30) continue;  // no deviation to speak of
    const Problem p({}, shape, 0, 1000.0f);
    EXPECT_TRUE(close(p.cpu().view(), p.reference().view())) << shape.to_string();
  }
}

TEST(LayerNormCpu, NeverHidesNaN) {
  Problem p({.affine = true}, {1, 21, 3, 3});
  p.input.view().at(0, 20, 1, 2) = std::numeric_limits<float>::quiet_NaN();
  const Tensor<float> out = p.cpu();
  for (int64_t x = 0; x < 3; ++x) {
    for (int64_t c = 0; c < 21; ++c) EXPECT_EQ(std::isnan(out.view().at(0, c, 1, x)), x == 2);
  }
}

TEST(LayerNormCpu, InPlaceAndForAnyThreadCountAndBatch) {
  Problem p({.affine = true}, {2, 24, 60, 70});
  ThreadPool one(1), three(3);
  const Tensor<float> two = p.cpu();
  EXPECT_TRUE(same_bits(p.cpu(one).data(), two.data()));
  EXPECT_TRUE(same_bits(p.cpu(three).data(), two.data()));
  const Shape single{1, 24, 60, 70};
  Tensor<float> out(single);
  auto args = Problem::bind<float>(p.input, p.weight, p.bias, out.view());
  args.input = {p.input.view().pixel(1, 0, 0), single, p.input.pitch()};
  cpu(p.desc, simd::chosen(), args, test::threads());
  const auto half = two.data().begin() + static_cast<std::ptrdiff_t>(two.data().size() / 2);
  EXPECT_TRUE(same_bits(out.data(), {half, two.data().end()}));
  cpu(p.desc, simd::chosen(), Problem::bind<float>(p.input, p.weight, p.bias, p.input.view()),
      test::threads());
  EXPECT_TRUE(same_bits(p.input.data(), two.data()));
}

TEST(LayerNormCpu, AWeightTooShortIsRefused) {
  const Problem p({.affine = true}, {1, 6, 2, 2});
  Tensor<float> out(p.input.shape());
  auto args = Problem::bind<float>(p.input, p.weight, p.bias, out.view());
  args.weight = args.weight.first(6);
  EXPECT_EQ(test::error_of([&] { cpu(p.desc, simd::chosen(), args, test::threads()); }),
            "layer_norm, eps 1e-05, affine: weight or bias is too short");
}

// The kernel, driven by a description or operands that are wrong in one place, must not pass.

TEST(LayerNormPlantedError, EveryWrongDescriptionFails) {
  const Problem p({.affine = true}, {1, 16, 20, 20});
  const Tensor<float> expected = p.reference();
  const auto by = [&](const auto& change) {
    Problem other = p;
    change(other);
    return close(other.cpu().view(), expected.view());
  };
  EXPECT_TRUE(by([](Problem&) {}));
  EXPECT_FALSE(by([](Problem& o) { o.desc.eps = 1e-3; }));
  EXPECT_FALSE(by([](Problem& o) { o.desc.affine = false; }));
  EXPECT_FALSE(by([](Problem& o) { o.weight.view().at(0, 3, 0, 0) += 0.01f; }));
  EXPECT_FALSE(by([](Problem& o) { o.bias.view().at(0, 15, 0, 0) += 0.01f; }));
  EXPECT_FALSE(by([](Problem& o) { o.input.view().at(0, 15, 19, 19) += 0.01f; }));
}

}  // namespace
}  // namespace kintsugi::layer_norm
