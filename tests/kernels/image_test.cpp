// SPDX-License-Identifier: MIT
#include "kernels/image/image.h"

#include "tests/kernels/image_cases.h"

namespace kintsugi::image {
namespace {

using test::error_of;
using test::same_bits;
using test::Tensor;

TEST(ImageShape, WhatDoesNotFitIsSaid) {
  EXPECT_EQ(error_of([] { check(kCentred, {1, 3, 5, 5}, {1, 4, 8, 8}); }), "");
  EXPECT_EQ(error_of([] {
              check(kCentred, {1, 3, 5, 5}, {1, 5, 8, 8});
            }),
            "picture to tensor of 4 channels: the tensor [1, 5, 8, 8] has another number");
  EXPECT_EQ(error_of([] {
              check(kCentred, {1, 3, 5, 9}, {1, 4, 8, 8});
            }),
            "picture to tensor of 4 channels: the tensor [1, 4, 8, 8] does not hold the picture "
            "[1, 3, 5, 9]");
  EXPECT_NE(error_of([] { check(kCentred, {2, 3, 5, 5}, {1, 4, 8, 8}); }), "");
  EXPECT_NE(error_of([] { check(kCentred, {1, 3, 9, 5}, {1, 4, 8, 8}); }), "");
  EXPECT_NE(error_of([] { check(kCentred, {1, 3, 0, 5}, {1, 4, 8, 8}); }), "");
  EXPECT_NE(error_of([] { check(kCentred, {3, 5, 5}, {1, 4, 8, 8}); }), "");
  EXPECT_NE(error_of([] { check(kCentred, {1, 3, 5, 5}, {4, 8, 8}); }), "");
  EXPECT_EQ(
      error_of([] {
        check(kCentred, {1, 5, 5, 5}, {1, 4, 8, 8});
      }),
      "picture to tensor of 4 channels: the picture [1, 5, 5, 5] is not [N, C, H, W] of up to "
      "four channels");
  EXPECT_EQ(error_of([] { check(kPlain, {1, 3, 8, 8}, {1, 4, 5, 5}); }), "");
  EXPECT_EQ(
      error_of([] {
        check(kPlain, {1, 2, 8, 8}, {1, 3, 5, 5});
      }),
      "tensor to picture, truncated: the tensor [1, 2, 8, 8] has no channel 2 among its first "
      "four");
  EXPECT_NE(error_of([] {
              check(ToPicture{.rgb = {{{-1}, {0}, {0}}}}, {1, 3, 8, 8}, {1, 3, 5, 5});
            }),
            "");
  EXPECT_NE(error_of([] {
              check(ToPicture{.rgb = {{{4}, {0}, {0}}}}, {1, 8, 8, 8}, {1, 3, 5, 5});
            }),
            "");
  EXPECT_EQ(error_of([] { (void)ToTensor{{}, {}, {}, {}, {}, {}, {}, {}, {}}; }),
            "a picture to a tensor of 9 channels, more than eight");
}

TEST(ImageCost, CountsSamplesMaskAndNumbers) {
  EXPECT_EQ(samples_read(kCentred, {1, 4, 5, 5}), 3);
  EXPECT_EQ(samples_read(kCentred, {1, 2, 5, 5}), 1);
  EXPECT_EQ(samples_read(kMask, {1, 4, 5, 5}), 0);
  EXPECT_EQ(flops(kCentred, {1, 4, 5, 5}, {1, 4, 8, 8}), 3 * 3 * 64);
  EXPECT_EQ(bytes(kCentred, {2, 4, 5, 5}, {2, 4, 8, 8}, 2, 4), 2 * (7 * 25 + 4 * 4 * 64));
  EXPECT_EQ(flops(kPlain, {1, 3, 8, 8}, {1, 3, 5, 5}), 9 * 25);
  EXPECT_EQ(flops(kOfOne, {1, 1, 8, 8}, {1, 1, 5, 5}), 15 * 25);
  EXPECT_EQ(bytes(kPlain, {1, 3, 8, 8}, {1, 4, 5, 5}, 1, 2), 25 * (3 * 2 + 1 + 3));
}

TEST(ImageReference, KnownNumbersOfAPicture) {
  // Two pixels and what goes on behind them; the second one is a hole.
  const std::vector<uint8_t> samples{0, 51, 255, 9, 102, 204, 153, 9};
  const std::vector<uint8_t> mask{0, 7};
  Tensor<float> out({1, 5, 2, 3});
  reference<uint8_t, float>({{.from = From::blue, .mean = 0.5f, .scale = 2, .hole = 9},
                             {.from = From::green, .mean = 0.25f, .hole = 8},
                             {.from = From::red, .scale = 4, .hole = 7},
                             {.known = 1, .hole = 1},
                             {.hole = 1}},
                            {{samples.data(), {1, 4, 1, 2}, 8}, {mask.data(), 2}, out.view()},
                            test::threads());
  const std::vector<float> known{1, 51.0f / 255 - 0.25f, 0, 1, 0}, hole{9, 8, 7, 1, 1};
  for (int64_t y = 0; y < 2; ++y) {
    for (int64_t k = 0; k < 5; ++k) {
      EXPECT_EQ(out.view().at(0, k, y, 0), known[static_cast<size_t>(k)]);
      EXPECT_EQ(out.view().at(0, k, y, 1), hole[static_cast<size_t>(k)]);
      EXPECT_EQ(out.view().at(0, k, y, 2), hole[static_cast<size_t>(k)]);
    }
  }
  EXPECT_TRUE(test::pads_are_zero(out));
}

TEST(ImageReference, KnownSamplesOfATensor) {
  Tensor<float> numbers({1, 3, 1, 4});
  numbers.for_each([](int64_t, int64_t c, int64_t, int64_t x, float& v) {
    const float values[4][3] = {{0.5f, 2, -1}, {1, 1, 1}, {0.25f, 0.75f, 1}, {9, 9, 9}};
    v = c < 3 ? values[x][c] : 0.0f;
  });
  const auto made = [&](const ToPicture& desc, int64_t channels) {
    std::vector<uint8_t> samples(static_cast<size_t>(3 * channels), 42);
    const std::vector<uint8_t> mask{1, 0, 1};
    int64_t first_bad = kNoPixel;
    reference<uint8_t, float>(desc,
                              {numbers.view(),
                               {mask.data(), 3},
                               {samples.data(), {1, channels, 1, 3}, 3 * channels},
                               &first_bad},
                              test::threads());
    EXPECT_EQ(first_bad, kNoPixel);
    return samples;
  };
  using Samples = std::vector<uint8_t>;
  EXPECT_EQ(made({}, 3), (Samples{127, 255, 0, 42, 42, 42, 63, 191, 255}));
  EXPECT_EQ(made({.rounds = true}, 3), (Samples{128, 255, 0, 42, 42, 42, 64, 191, 255}));
  EXPECT_EQ(made({}, 4), (Samples{127, 255, 0, 42, 42, 42, 42, 42, 63, 191, 255, 42}));
  EXPECT_EQ(made({.rgb = {{{2, 1, 0.5f}, {1, 0, 0.5f}, {0, 0.5f, 1}}}}, 3),
            (Samples{0, 255, 255, 42, 42, 42, 255, 95, 191}));
  // 0.299 * 0.5 + 0.587 of what was clamped to 1; 0.299 * 0.25 + 0.587 * 0.75 + 0.114
  EXPECT_EQ(made({}, 1), (Samples{187, 42, 160}));
  EXPECT_EQ(made({}, 2), (Samples{187, 42, 42, 42, 160, 42}));
}

template <class S>
class Image : public testing::Test {};
using SampleTypes = testing::Types<uint8_t, uint16_t>;
TYPED_TEST_SUITE(Image, SampleTypes);

TYPED_TEST(Image, TensorsOnTheCpuAreTheDefinitionsBitForBit) {
  using S = TypeParam;
  for (const Case& c : cases()) {
    for (const int64_t gap : {0, 8}) {
      SCOPED_TRACE(c.name);
      const Pixels<S> picture(c);
      const auto mask = mask_of(c);
      Tensor<float> expected(c.tensor, gap), out(c.tensor, gap);
      Tensor<double> wide(c.tensor, gap);
      const MaskView holes = view_of_mask(c, mask);
      reference<S, float>(c.to_tensor, {picture.view(), holes, expected.view()}, test::threads());
      reference<S, double>(c.to_tensor, {picture.view(), holes, wide.view()}, test::threads());
      cpu<S>(c.to_tensor, {picture.view(), holes, out.view()}, test::threads());
      EXPECT_TRUE(same_bits(out.data(), expected.data()));
      EXPECT_TRUE(test::pads_are_zero(out));
      EXPECT_TRUE(test::close(wide.view(), expected.view(), 0));
    }
  }
}

TYPED_TEST(Image, PicturesOnTheCpuAreTheDefinitionsBitForBit) {
  using S = TypeParam;
  for (const Case& c : cases()) {
    for (const int64_t gap : {0, 8}) {
      SCOPED_TRACE(c.name);
      const Pixels<S> before(c);
      Pixels<S> expected = before, wide = before, out = before;
      const auto mask = mask_of(c);
      const MaskView holes = view_of_mask(c, mask);
      const Tensor<float> numbers = numbers_of(c, gap);
      int64_t first_bad = kNoPixel;
      reference<S, float>(c.to_picture, {numbers.view(), holes, expected.view(), &first_bad},
                          test::threads());
      const Tensor<double> doubles = numbers.as<double>();
      reference<S, double>(c.to_picture, {doubles.view(), holes, wide.view(), &first_bad},
                           test::threads());
      cpu<S>(c.to_picture, {numbers.view(), holes, out.view(), &first_bad}, test::threads());
      EXPECT_EQ(first_bad, kNoPixel);
      EXPECT_EQ(out.samples, expected.samples);  // those between rows too
      EXPECT_EQ(wide.samples, expected.samples);
      int64_t changed = 0;
      for (size_t i = 0; i < out.samples.size(); ++i)
        changed += out.samples[i] != before.samples[i];
      EXPECT_GT(changed, 0);
      EXPECT_LE(changed, filled(c, mask) * colours(c.picture.c()));
    }
  }
}

TYPED_TEST(Image, ASampleComesBackAsItself) {
  using S = TypeParam;
  constexpr int64_t kSide = sizeof(S) == 1 ? 16 : 256;
  std::vector<S> samples;
  for (int32_t i = 0; i <= kWhite<S>; ++i) samples.push_back(static_cast<S>(i));
  const Shape shape{1, 1, kSide, kSide};
  const auto back = [&](const ToTensor& there, const ToPicture& here) {
    Tensor<float> numbers({1, there.count, kSide, kSide});
    std::vector<S> out(samples.size());
    int64_t first_bad = kNoPixel;
    cpu<S>(there, {{samples.data(), shape, kSide}, {}, numbers.view()}, test::threads());
    cpu<S>(here, {numbers.view(), {}, {out.data(), shape, kSide}, &first_bad}, test::threads());
    return out;
  };
  EXPECT_EQ(back({{.from = From::red}, {.from = From::green}, {.from = From::blue}}, kPlain),
            samples);
  EXPECT_EQ(back(kSigned, kFromSigned), samples);
  EXPECT_EQ(back(kGrey, kOfOne), samples);
}

TYPED_TEST(Image, WhatIsNoNumberMakesNoSample) {
  using S = TypeParam;
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    for (const bool fast : {false, true}) {
      Case c = cases()[1];
      auto mask = mask_of(c);
      const auto at = [&](int64_t n, int64_t y, int64_t x) {
        return static_cast<size_t>((n * c.picture.h() + y) * c.mask_pitch() + x);
      };
      mask[at(0, 3, 2)] = 0;
      mask[at(0, 5, 18)] = mask[at(1, 0, 0)] = mask[at(1, 16, 7)] = 1;
      Tensor<float> numbers = numbers_of(c);
      numbers.view().at(0, 3, 6, 6) = bad;   // of no colour
      numbers.view().at(0, 0, 3, 2) = bad;   // outside the mask
      numbers.view().at(0, 0, 17, 0) = bad;  // outside the picture
      numbers.view().at(0, 2, 5, 19) = bad;
      const Pixels<S> before(c);
      const auto made = [&](int64_t* first_bad) {
        Pixels<S> out = before;
        const ToPictureArgs<S, float> args{numbers.view(), view_of_mask(c, mask), out.view(),
                                           first_bad};
        fast ? cpu<S>(c.to_picture, args, test::threads())
             : reference<S, float>(c.to_picture, args, test::threads());
        return out;
      };
      int64_t first_bad = kNoPixel;
      Pixels<S> whole = made(&first_bad);
      EXPECT_EQ(first_bad, kNoPixel);
      numbers.view().at(1, 2, 16, 7) = bad;
      numbers.view().at(0, 1, 5, 18) = bad;
      numbers.view().at(1, 0, 0, 0) = bad;
      const Pixels<S> out = made(&first_bad);
      EXPECT_EQ(first_bad, 5 * 19 + 18);
      for (const auto& [n, y, x] :
           std::vector<std::array<int64_t, 3>>{{0, 5, 18}, {1, 0, 0}, {1, 16, 7}}) {
        for (int64_t k = 0; k < 4; ++k)
          whole.view().pixel(n, y, x)[k] = before.view().pixel(n, y, x)[k];
      }
      EXPECT_EQ(out.samples, whole.samples);
      first_bad = 3;  // of a call before
      (void)made(&first_bad);
      EXPECT_EQ(first_bad, 3);
    }
  }
}

TYPED_TEST(Image, APartOfAPictureIsAPicture) {
  using S = TypeParam;
  const Case c = cases()[1];
  const Pixels<S> picture(c);
  const auto mask = mask_of(c);
  const PictureView<const S> part{picture.view().pixel(0, 3, 4), {1, 4, 6, 5}, c.row_pitch()};
  const MaskView part_of_mask{mask.data() + 3 * c.mask_pitch() + 4, c.mask_pitch()};
  Tensor<float> whole(c.tensor), out({1, 4, 6, 5});
  cpu<S>(kCentred, {picture.view(), view_of_mask(c, mask), whole.view()}, test::threads());
  cpu<S>(kCentred, {part, part_of_mask, out.view()}, test::threads());
  out.for_each([&](int64_t n, int64_t k, int64_t y, int64_t x, float& v) {
    EXPECT_EQ(v, whole.view().at(n, k, y + 3, x + 4));
  });
}

TYPED_TEST(Image, SameBitsForAnyThreadCount) {
  using S = TypeParam;
  const Case c{"wide", kCentred, kFromSigned, {2, 3, 90, 61}, {2, 4, 92, 64}, true, 1};
  const Pixels<S> picture(c);
  const auto mask = mask_of(c);
  Tensor<float> numbers = numbers_of(c);
  numbers.view().at(1, 0, 7, 7) = numbers.view().at(1, 1, 80, 3) = NAN;
  const auto by = [&](Parallel& parallel) {
    auto all = mask;
    all[static_cast<size_t>((90 + 7) * c.mask_pitch() + 7)] = 1;
    Tensor<float> tensor(c.tensor);
    Pixels<S> out = picture;
    int64_t first_bad = kNoPixel;
    cpu<S>(c.to_tensor, {picture.view(), view_of_mask(c, all), tensor.view()}, parallel);
    cpu<S>(c.to_picture, {numbers.view(), view_of_mask(c, all), out.view(), &first_bad}, parallel);
    EXPECT_EQ(first_bad, (90 + 7) * 61 + 7);
    return std::pair(tensor.data(), out.samples);
  };
  ThreadPool one(1), three(3);
  EXPECT_TRUE(same_bits(by(one).first, by(three).first));
  EXPECT_EQ(by(one).second, by(three).second);
}

// The kernels, driven by a description that is wrong in one place, must not pass.

TEST(ImagePlantedError, EveryWrongChannelFails) {
  const Case c = cases()[0];
  const Pixels<uint8_t> picture(c);
  const auto mask = mask_of(c);
  const auto made = [&](const auto& change) {
    ToTensor desc = c.to_tensor;
    MaskView holes = view_of_mask(c, mask);
    change(desc.channels, holes);
    Tensor<float> out(c.tensor);
    cpu<uint8_t>(desc, {picture.view(), holes, out.view()}, test::threads());
    return out.data();
  };
  using Channels = std::array<Channel, 8>;
  const auto right = made([](Channels&, MaskView&) {});
  EXPECT_TRUE(same_bits(right, made([](Channels&, MaskView&) {})));
  EXPECT_FALSE(same_bits(right, made([](Channels& k, MaskView&) { std::swap(k[0], k[2]); })));
  EXPECT_FALSE(same_bits(right, made([](Channels& k, MaskView&) { k[1].mean = 0.4471f; })));
  EXPECT_FALSE(same_bits(right, made([](Channels& k, MaskView&) { k[2].scale = 1.01f; })));
  EXPECT_FALSE(same_bits(right, made([](Channels& k, MaskView&) { k[0].hole = 0.1f; })));
  EXPECT_FALSE(same_bits(right, made([](Channels& k, MaskView&) { k[3] = {.known = 1}; })));
  EXPECT_FALSE(same_bits(right, made([](Channels&, MaskView& m) { m = {}; })));
}

TEST(ImagePlantedError, EveryWrongSourceFails) {
  const Case c = cases()[7];
  const auto mask = mask_of(c);
  const Tensor<float> numbers = numbers_of(c);
  const auto made = [&](const auto& change) {
    ToPicture desc = c.to_picture;
    MaskView holes = view_of_mask(c, mask);
    change(desc, holes);
    Pixels<uint16_t> out(c);
    int64_t first_bad = kNoPixel;
    cpu<uint16_t>(desc, {numbers.view(), holes, out.view(), &first_bad}, test::threads());
    return out.samples;
  };
  const auto right = made([](ToPicture&, MaskView&) {});
  EXPECT_EQ(right, made([](ToPicture&, MaskView&) {}));
  EXPECT_NE(right, made([](ToPicture& d, MaskView&) { std::swap(d.rgb[0], d.rgb[1]); }));
  EXPECT_NE(right, made([](ToPicture& d, MaskView&) { d.rgb[2].shift += 0.01f; }));
  EXPECT_NE(right, made([](ToPicture& d, MaskView&) { d.rgb[0].scale *= 1.01f; }));
  EXPECT_NE(right, made([](ToPicture& d, MaskView&) { d.rounds = true; }));
  EXPECT_NE(right, made([](ToPicture&, MaskView& m) { m = {}; }));
}

}  // namespace
}  // namespace kintsugi::image
