// SPDX-License-Identifier: MIT
#include "kernels/partial_mask/partial_mask.h"

#include "kernels/conv2d/conv2d.h"
#include "tests/kernels/support.h"

namespace kintsugi::partial_mask {
namespace {

using test::close;
using test::same_bits;
using test::Tensor;
using Numbers = std::vector<float>;

/// Ratios and valid pixels in one buffer: the batch items of the ones, then of the others.
constexpr int64_t kRatio = 0, kValid = 1;
Shape both(const Desc& desc, const Shape& mask) {
  const Shape one = output_shape(desc, mask);
  return {2 * one.n(), 1, one.h(), one.w()};
}
template <class T>
TensorView<T> part(const TensorView<T>& both, int64_t which) {
  const Shape& s = both.shape;
  return {both.pixel(which * s.n() / 2, 0, 0), {s.n() / 2, 1, s.h(), s.w()}, both.pitch};
}

/// What the definition gives in T: float for its bits, double for its value.
template <class T>
Tensor<T> by_definition(const Desc& desc, const std::array<Tensor<float>, 2>& masks) {
  const std::array<Tensor<T>, 2> in{masks[0].template as<T>(), masks[1].template as<T>()};
  Tensor<T> out(both(desc, in[0].shape()));
  reference<T>(desc,
               {{in[0].view(), in[1].view()}, part(out.view(), kRatio), part(out.view(), kValid)},
               test::threads());
  return out;
}

TEST(PartialMaskShape, IsThatOfTheConvolution) {
  EXPECT_EQ(output_shape({.kernel = 3, .stride = 2, .padding = 1}, {2, 1, 8, 9}),
            (Shape{2, 1, 4, 5}));
  EXPECT_EQ(output_shape({.kernel = {2, 3}, .stride = {1, 3}, .dilation = {3, 1}}, {1, 1, 5, 8}),
            (Shape{1, 1, 2, 2}));
  const auto refusal = [](const Desc& desc, const Shape& mask) {
    return test::error_of([&] { (void)output_shape(desc, mask); });
  };
  EXPECT_EQ(refusal({.kernel = 3, .padding = 1}, {1, 3, 8, 8}),
            "partial_mask paper 3x3 1, padding 1: the mask [1, 3, 8, 8] is not [N, 1, H, W]");
  EXPECT_EQ(
      refusal(
          {.kernel = 5, .stride = {1, 2}, .dilation = 2, .channels = {4, 2}, .form = Form::naoto},
          {1, 1, 8, 9}),
      "partial_mask naoto 5x5 4+2, stride 1x2, dilation 2: the mask [1, 1, 8, 9] leaves no "
      "output pixel");
  EXPECT_EQ(refusal({.kernel = 8, .padding = 8, .channels = {1 << 17, 1 << 18}, .eps = 1e-6},
                    {1, 1, 8, 8}),
            "partial_mask paper 8x8 131072+262144, padding 8, eps 1e-06: sums over a window of "
            "25165824 entries are not exact in f32, of 16777216 they are");
  EXPECT_EQ(refusal({.kernel = 8, .padding = 8, .channels = {1 << 17, 1 << 17}}, {1, 1, 8, 8}), "");
  EXPECT_NE(refusal({.kernel = 0}, {1, 1, 8, 8}), "");
  EXPECT_NE(refusal({.stride = 0}, {1, 1, 8, 8}), "");
  EXPECT_NE(refusal({.dilation = 0}, {1, 1, 8, 8}), "");
  EXPECT_NE(refusal({.padding = -1}, {1, 1, 8, 8}), "");
  EXPECT_NE(refusal({.channels = {0, 4}}, {1, 1, 8, 8}), "");
  EXPECT_NE(refusal({.channels = {4, -1}}, {1, 1, 8, 8}), "");
  EXPECT_NE(refusal({.eps = -1e-8}, {1, 1, 8, 8}), "");
  EXPECT_NE(refusal({.eps = std::nan("")}, {1, 1, 8, 8}), "");
  EXPECT_NE(refusal({}, {0, 1, 8, 8}), "");
  EXPECT_NE(refusal({}, {1, 8, 8}), "");
}

TEST(PartialMaskCost, CountsTapsOfEveryPlane) {
  const Desc two{.kernel = 3, .stride = 2, .padding = 1, .channels = {512, 256}};
  EXPECT_EQ(flops(two, {1, 1, 8, 8}), 16 * 9 * 2);
  EXPECT_EQ(bytes(two, {1, 1, 8, 8}, 2), 4 * (2 * 64 + 2 * 16));  // f32 in a network of f16 too
  EXPECT_EQ(flops({.kernel = 2}, {3, 1, 8, 8}), 3 * 49 * 4);
  EXPECT_EQ(bytes({.kernel = 2}, {1, 1, 8, 8}, 4), 4 * (64 + 2 * 49));
}

Tensor<float> plane(int64_t height, int64_t width, const Numbers& values) {
  Tensor<float> mask({1, 1, height, width});
  mask.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
    if (c == 0) v = values[static_cast<size_t>(y * width + x)];
  });
  return mask;
}

// Three masks of 4x5, and what the layers' own formulas make of them in PyTorch 1.13: planes expanded to
// their channels and joined, S = conv2d(masks, ones), then win / (S + 1e-8) * clamp(S, 0, 1) and
// clamp(S, 0, 1); for naoto masked_fill where S == 0.
const Tensor<float> kA = plane(4, 5, {1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
const Tensor<float> kB = plane(4, 5, {0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0});
const Tensor<float> kC = plane(
    4, 5, {0.25f, 0, 0.5f, 0, 0, 0, 0, 0, 0, 0.125f, 0, 0.75f, 0, 0, 0, 1, 0, 0, 0.5f, 0.0625f});

void expect(const Desc& desc, const std::array<Tensor<float>, 2>& masks, const Numbers& ratio,
            const Numbers& valid) {
  SCOPED_TRACE(to_string(desc));
  const Tensor<float> out = by_definition<float>(desc, masks);
  ASSERT_EQ(out.shape().pixels(), static_cast<int64_t>(2 * ratio.size()));
  for (size_t i = 0; i < ratio.size(); ++i) {
    EXPECT_NEAR(out.data()[4 * i], ratio[i], 2e-7f * ratio[i]) << i;
    EXPECT_EQ(out.data()[4 * (ratio.size() + i)], valid.empty() ? (ratio[i] > 0 ? 1 : 0) : valid[i])
        << i;
  }
}

TEST(PartialMaskReference, ComputesThePapersForm) {
  const Desc same{.kernel = 3, .padding = 1};
  expect(same, {kA, kA}, {3, 3, 9, 0, 0, 3, 3, 9, 0, 0, 9, 9, 0, 9, 9, 0, 0, 0, 9, 9}, {});
  Desc joined = same;
  joined.channels = {4, 2};
  expect(joined, {kA, kB}, {4.5f, 4.5f, 9,  9,     9,     4.5f, 4.5f, 9, 9,     9,
                            9,    9,    27, 6.75f, 6.75f, 27,   27,   0, 13.5f, 13.5f},
         {});
  Desc half{.kernel = 3, .stride = 2, .padding = 1, .channels = {3, 0}};
  expect(half, {kA, kA}, {3, 9, 0, 9, 0, 9}, {});
  half.channels = {1, 0};
  expect(half, {kC, kC}, {9, 9, 8.999999f, 5.1428576f, 7.2000003f, 9.000001f},
         {0.25f, 0.5f, 0.125f, 1, 1, 0.6875f});
  expect({.kernel = {3, 2},
          .stride = {2, 1},
          .dilation = {1, 2},
          .padding = {2, 1},
          .channels = {2, 0}},
         {kA, kA}, {6, 6, 6, 0, 0, 6, 3, 6, 0, 0, 0, 0, 0, 6, 0}, {});
  expect({.kernel = 2, .stride = {2, 3}, .channels = {1, 3}}, {kA, kC},
         {4.266667f, 16, 3.047619f, 5.9534883f}, {1, 0.375f, 1, 1});
}

TEST(PartialMaskReference, ComputesNaotosForm) {
  const Desc same{.kernel = 3, .padding = 1, .form = Form::naoto};
  const float third = 0.33333334f, sixth = 0.16666667f, twelfth = 0.083333336f;
  expect(same, {kA, kA},
         {third, third, 1, 0, 0, third, third, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 1, 1}, {});
  Desc joined = same;
  joined.channels = {4, 2};
  expect(joined, {kA, kB},
         {twelfth, twelfth, sixth, sixth,  sixth,  twelfth, twelfth, sixth, sixth, sixth,
          sixth,   sixth,   0.5f,  0.125f, 0.125f, 0.5f,    0.5f,    0,     0.25f, 0.25f},
         {});
  // Whatever is known of a window makes it valid, be it a fraction.
  expect({.form = Form::naoto}, {kC, kC},
         {4, 0, 2, 0, 0, 0, 0, 0, 0, 8, 0, 1.3333334f, 0, 0, 0, 1, 0, 0, 2, 16}, {});
  expect({.kernel = 2, .stride = {2, 3}, .channels = {1, 3}, .form = Form::naoto}, {kA, kC},
         {0.26666668f, 2.6666667f, 0.1904762f, 0.37209302f}, {});
}

TEST(PartialMaskReference, ItsOperandsMakeAPartialConvolution) {
  // The layer of the paper with a bias, in PyTorch 1.13: ((raw - b) * ratio + b) * valid.
  const Numbers layer{0,  -0.75f, 0.75f, 0, -12.75f, 7.5f, -8.25f, 0, -17.25f, 9.75f, -3.75f, 0,
                      15, 1.5f,   -24,   0, 10.5f,   0,    -19.5f, 0, 7.5f,    -1.5f, -10.5f, 0};
  const Tensor<float> mask = plane(3, 4, {1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0});
  const Tensor<float> known = plane(3, 4, {1, -2, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0});
  const Numbers weight{0.5f, -1, 2, 1, 0.25f, -0.5f, -2, 1, 1.5f, 1, 0, -1, 2, 0.5f, -2, 1, 0, -1};
  const Numbers bias{0.75f, -1.5f, 0, 0};
  const Tensor<float> sides = by_definition<float>({.kernel = 3, .padding = 1}, {mask, mask});
  const conv2d::Desc desc{
      .in_channels = 1,
      .out_channels = 2,
      .kernel = 3,
      .padding = 1,
      .epilogue = {step::mul(Extent::pixel), step::add(Extent::channel), step::mul(Extent::pixel)}};
  const std::vector<Operand> operands{
      {part(sides.view(), kRatio).data, 4}, {bias.data(), 0}, {part(sides.view(), kValid).data, 4}};
  Tensor<float> out({1, 2, 3, 4});
  conv2d::reference<float>(desc,
                           {.input = known.view(),
                            .weight = weight,
                            .operands = operands,
                            .output = out.view(),
                            .workspace = {}},
                           test::threads());
  for (size_t i = 0; i < layer.size(); ++i) {
    EXPECT_NEAR(out.data()[i % 12 * 4 + i / 12], layer[i], 1e-5f) << i;
  }
}

/// A mask of one number.
std::array<Tensor<float>, 2> filled(const Shape& shape, float value) {
  Tensor<float> mask(shape);
  mask.for_each([&](int64_t, int64_t c, int64_t, int64_t, float& v) { v = c == 0 ? value : 0; });
  return {mask, mask};
}

TEST(PartialMaskReference, AnUnknownPixelIsZeroWhateverEps) {
  const auto masks = filled({1, 1, 6, 6}, 0);
  for (const double eps : {0.0, 1e-45, 1e30}) {
    const Desc desc{.kernel = 3, .padding = 1, .eps = eps};
    Tensor<float> out(both(desc, {1, 1, 6, 6}));
    cpu(desc,
        {{masks[0].view(), masks[1].view()}, part(out.view(), kRatio), part(out.view(), kValid)},
        test::threads());
    EXPECT_TRUE(same_bits(out.data(), by_definition<float>(desc, masks).data()));
    EXPECT_TRUE(same_bits(out.data(), Numbers(out.data().size(), 0.0f)));
  }
}

TEST(PartialMaskReference, BordersAreHolesAndNaNIsKept) {
  const Desc desc{.kernel = 3, .padding = 1};
  const Tensor<float> out = by_definition<float>(desc, filled({1, 1, 4, 4}, 1));
  EXPECT_EQ(part(out.view(), kRatio).at(0, 0, 0, 0), 2.25f);
  EXPECT_EQ(part(out.view(), kRatio).at(0, 0, 0, 1), 1.5f);
  EXPECT_EQ(part(out.view(), kRatio).at(0, 0, 1, 1), 1.0f);
  EXPECT_EQ(part(out.view(), kValid).at(0, 0, 3, 3), 1.0f);
  for (const Form form : {Form::paper, Form::naoto}) {
    auto masks = filled({1, 1, 5, 5}, 1);
    masks[0].view().at(0, 0, 2, 2) = std::numeric_limits<float>::quiet_NaN();
    const Tensor<float> held =
        by_definition<float>({.kernel = 3, .padding = 1, .form = form}, masks);
    for (int64_t y = 0; y < 5; ++y) {
      for (int64_t x = 0; x < 5; ++x) {
        EXPECT_EQ(std::isnan(part(held.view(), kRatio).at(0, 0, y, x)),
                  y >= 1 && y <= 3 && x >= 1 && x <= 3);
      }
    }
  }
}

}  // namespace
}  // namespace kintsugi::partial_mask
