// SPDX-License-Identifier: MIT
//
// The moments that convolutions on the CPU leave of what they stored, and norm out of them: held against
// norm's definition on the stored picture.
#include "kernels/norm/norm.h"
#include "tests/kernels/fused_problem.h"

namespace kintsugi {
namespace {

using namespace test;

Tensor<float> gathered(const norm::Desc& desc, const Tensor<float>& picture,
                       const MomentsView<const float>& moments) {
  const Shape& shape = picture.shape();
  Tensor<float> out({shape.n(), shape.c(), 2, 1});
  // Nothing of the picture may be read: there is nothing but its shape.
  cpu(desc, simd::chosen(),
      {.input = {nullptr, picture.shape(), picture.pitch()},
       .weight = {},
       .bias = {},
       .scale = row(out.view(), 0),
       .shift = row(out.view(), 1),
       .moments = moments},
      threads());
  return out;
}

Tensor<float> defined(const norm::Desc& desc, const Tensor<float>& picture) {
  const Tensor<double> in = picture.as<double>();
  Tensor<double> out({picture.shape().n(), picture.shape().c(), 2, 1});
  reference<double>(desc,
                    {.input = in.view(),
                     .weight = {},
                     .bias = {},
                     .scale = row(out.view(), 0),
                     .shift = row(out.view(), 1)},
                    threads());
  return out.as<float>();
}

/// In every form: the bits of the output are those without moments; pixels are counted once; and norm of
/// any groups is right.
template <class Desc>
void expect_moments(Desc desc, const Shape& input) {
  for (const Form form : forms_of(desc)) {
    SCOPED_TRACE(to_string(desc) + " on " + input.to_string() + ", form " +
                 std::to_string(static_cast<int>(form)));
    desc.moments = false;
    Fused<Desc> problem(desc, input, 4);
    const Tensor<float> expected = problem.whole(form);
    problem.desc.moments = true;
    Records left;
    const Tensor<float> picture = problem.whole(form, threads(), 0, &left);
    ASSERT_TRUE(same_bits(picture.data(), expected.data()));

    const Shape& shape = picture.shape();
    for (int64_t n = 0; n < shape.n(); ++n) {
      float pixels = 0;
      for (int64_t t = 0; t < left.tiles; ++t) pixels += left.view().count(n, t);
      EXPECT_EQ(pixels, static_cast<float>(shape.h() * shape.w()));
    }
    for (const int64_t groups : {int64_t{1}, shape.c() % 3 == 0 ? shape.c() / 3 : 1, shape.c()}) {
      const norm::Desc gather{.groups = groups, .moments_of = shape.c()};
      Tensor<float> result = gathered(gather, picture, std::as_const(left).view());
      const Tensor<float> wanted = defined(gather, picture);
      EXPECT_TRUE(close(row(result.view(), 0), row(wanted.view(), 0), kTolerance))
          << to_string(gather);
      EXPECT_TRUE(close(row(result.view(), 1), row(wanted.view(), 1), kTolerance))
          << to_string(gather);
      EXPECT_TRUE(pads_are_zero(result));
    }
  }
}

const Steps kBias{step::add(Extent::channel)};

TEST(Moments, OfAnyNumberOfChannels) {
  for (const int64_t k : {1, 3, 4, 5, 15, 16, 17, 33, 64, 70}) {
    expect_moments(
        conv2d::Desc{
            .in_channels = 6, .out_channels = k, .kernel = 3, .padding = 1, .epilogue = kBias},
        {2, 6, 9, 7});
    expect_moments(conv_transpose2d::Desc{.in_channels = 6,
                                          .out_channels = k,
                                          .kernel = 3,
                                          .stride = 2,
                                          .padding = 1,
                                          .output_padding = 1,
                                          .epilogue = kBias},
                   {2, 6, 5, 4});
  }
}

TEST(Moments, OfAnyGeometry) {
  const Steps steps{step::add(Extent::channel), step::activate(Function::relu)};
  conv2d::Desc conv{.in_channels = 5, .out_channels = 18, .kernel = 3, .epilogue = steps};
  for (const int64_t dilation : {1, 2, 3}) {
    for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
      conv.dilation = dilation, conv.padding = dilation, conv.padding_mode = mode;
      expect_moments(conv, {1, 5, 13, 22});
      expect_moments(conv, {2, 5, 4, 150});  // rows that are joined in parts
    }
  }
  conv.dilation = 1, conv.padding = 1, conv.stride = 2;
  expect_moments(conv, {1, 5, 13, 22});
  conv.stride = 1, conv.prologue = {.steps = {step::affine(Extent::sample_channel)}, .upsample = 2};
  expect_moments(conv, {2, 5, 7, 9});
  expect_moments(conv2d::Desc{.in_channels = 3, .out_channels = 9, .kernel = 7, .padding = 3},
                 {1, 3, 8, 40});
}

TEST(Moments, OfPhasesThatHaveNoPixel) {
  for (const Shape& input : {Shape{1, 4, 1, 1}, Shape{2, 4, 3, 2}, Shape{1, 4, 1, 40}}) {
    for (const int64_t stride : {1, 2, 3, 5}) {
      expect_moments(conv_transpose2d::Desc{.in_channels = 4,
                                            .out_channels = 6,
                                            .kernel = 3,
                                            .stride = stride,
                                            .padding = 1,
                                            .output_padding = stride - 1,
                                            .epilogue = kBias},
                     input);
    }
  }
}

TEST(Moments, OfPixelsFarFromZero) {
  conv2d::Desc desc{.in_channels = 8,
                    .out_channels = 16,
                    .kernel = 3,
                    .padding = 1,
                    .epilogue = {step::add(1000.0f)}};
  expect_moments(desc, {1, 8, 40, 33});
  expect_moments(desc, {1, 8, 3, 5000});  // rows that are joined many times
}

TEST(Moments, BitsKnowNeitherThreadsNorBatch) {
  const conv2d::Desc desc{.in_channels = 6,
                          .out_channels = 34,
                          .kernel = 3,
                          .padding = 1,
                          .epilogue = kBias,
                          .moments = true};
  for (const Form form : {Form::chosen, Form::winograd}) {
    const Fused<conv2d::Desc> two(desc, {2, 6, 21, 19});
    Records expected;
    static_cast<void>(two.whole(form, threads(), 0, &expected));
    for (const int count : {1, 3}) {
      ThreadPool pool(count);
      Records left;
      static_cast<void>(two.whole(form, pool, 0, &left));
      for (int64_t n = 0; n < 2; ++n) {
        for (int64_t t = 0; t < left.tiles; ++t) {
          EXPECT_EQ(left.view().count(n, t), expected.view().count(n, t));
          EXPECT_TRUE(std::equal(left.view().means(n, t),
                                 left.view().means(n, t) + 2 * left.channels,
                                 expected.view().means(n, t)));
        }
      }
    }
    Fused<conv2d::Desc> one(desc, {1, 6, 21, 19});
    const auto view = two.input.view();
    one.input.for_each(
        [&](int64_t, int64_t c, int64_t y, int64_t x, float& v) { v = view.at(1, c, y, x); });
    one.weight = two.weight;
    Records alone;
    const auto bound = two.operands.bind();
    static_cast<void>(run(desc, configure(desc, one.input.shape(), form), one.input.view(),
                          one.weight, bound, threads(), 0, &alone));
    ASSERT_EQ(alone.tiles, expected.tiles);
    for (int64_t t = 0; t < alone.tiles; ++t) {
      EXPECT_TRUE(std::equal(alone.view().means(0, t),
                             alone.view().means(0, t) + 2 * alone.channels,
                             expected.view().means(1, t)));
    }
  }
}

TEST(Moments, AreGivenWhereTheyAreAskedFor) {
  const conv2d::Desc desc{.in_channels = 4, .out_channels = 4, .moments = true};
  const Fused<conv2d::Desc> problem(desc, {1, 4, 2, 2});
  EXPECT_EQ(error_of([&] { static_cast<void>(problem.whole(Form::chosen)); }),
            "conv2d 1x1 4->4, leaves moments: moments are wanted, and not given");
  EXPECT_TRUE(accepts_moments(desc));
  EXPECT_FALSE(
      accepts_moments(conv2d::Desc{.in_channels = 4,
                                   .out_channels = 4,
                                   .epilogue = {step::gate(Function::elu, Function::sigmoid)}}));
}

}  // namespace
}  // namespace kintsugi
