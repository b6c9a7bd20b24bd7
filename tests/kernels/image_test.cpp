// SPDX-License-Identifier: MIT
//
// to_tensor and to_image: what is refused, known numbers, every sample there is, and NaN. That the CPU
// agrees with the reference on every description is asked in tests/ops.
#include "kernels/to_image/to_image.h"
#include "kernels/to_tensor/contract.h"
#include "tests/kernels/support.h"

namespace kintsugi {
namespace {

using test::error_of;
using test::Tensor;
using to_tensor::From;

const to_tensor::Desc kPlain{{.from = From::red}, {.from = From::green}, {.from = From::blue}};
const to_tensor::Desc kSigned{{.from = From::blue, .mean = 0.5f, .scale = 2},
                              {.from = From::green, .mean = 0.5f, .scale = 2},
                              {.from = From::red, .mean = 0.5f, .scale = 2}};
constexpr std::array<to_image::Source, 3> kFromSigned{{{2, 1, 0.5f}, {1, 1, 0.5f}, {0, 1, 0.5f}}};

TEST(ToTensor, RefusesWhatIsNoImage) {
  to_tensor::Desc masked = kPlain;
  masked.masked = true;
  const auto refusal = [&](const Shape& image, const Shape& mask) {
    return error_of([&] {
      const Shape inputs[] = {image, mask};
      (void)to_tensor::Op::outputs(masked, inputs);
    });
  };
  EXPECT_EQ(refusal({2, 3, 5, 7}, {2, 1, 5, 7}), "");
  EXPECT_EQ(refusal({2, 1, 5, 7}, {2, 1, 5, 7}), "");
  EXPECT_EQ(refusal({2, 4, 5, 7}, {2, 1, 5, 7}),
            "image of 8 bits with a mask to 3 channels: [2, 4, 5, 7] is not [N, C, H, W] of one "
            "channel or three");
  EXPECT_EQ(refusal({1, 3, 5, 7}, {1, 1, 5, 6}),
            "image of 8 bits with a mask to 3 channels: the mask [1, 1, 5, 6] is not of the image "
            "[1, 3, 5, 7]");
  EXPECT_NE(refusal({1, 3, 0, 7}, {1, 1, 0, 7}), "");
  EXPECT_NE(refusal({3, 5, 7}, {1, 5, 7}), "");
  EXPECT_EQ(error_of([] { (void)to_tensor::Desc{{}, {}, {}, {}, {}, {}, {}, {}, {}}; }),
            "an image to a tensor of 9 channels, more than eight");
}

TEST(ToImage, RefusesATensorWithoutTheChannel) {
  const auto refusal = [](const to_image::Desc& desc, const Shape& tensor) {
    return error_of([&] { (void)to_image::output_shape(desc, tensor); });
  };
  EXPECT_EQ(refusal({}, {1, 3, 8, 8}), "");
  EXPECT_EQ(refusal({}, {1, 2, 8, 8}),
            "to image of 8 bits, truncated: the tensor [1, 2, 8, 8] has no channel 2 among its "
            "first four");
  EXPECT_NE(refusal({.rgb = {{{-1}, {0}, {0}}}}, {1, 3, 8, 8}), "");
  EXPECT_NE(refusal({.rgb = {{{4}, {0}, {0}}}}, {1, 8, 8, 8}), "");
  EXPECT_NE(refusal({}, {3, 8, 8}), "");
}

TEST(ImageCost, CountsSamplesMaskAndNumbers) {
  to_tensor::Desc masked{
      {.from = From::red}, {.from = From::green}, {.from = From::blue}, {.hole = 1}};
  masked.masked = true;
  masked.bits = 16;
  EXPECT_EQ(to_tensor::samples_read(masked, {1, 3, 5, 5}), 3);
  EXPECT_EQ(to_tensor::samples_read(masked, {1, 1, 5, 5}), 1);
  EXPECT_EQ(to_tensor::samples_read({{.known = 1}}, {1, 3, 5, 5}), 0);
  EXPECT_EQ(to_tensor::flops(masked, {1, 3, 5, 5}), 3 * 3 * 25);
  EXPECT_EQ(to_tensor::bytes(masked, {2, 3, 5, 5}, 4), 2 * 25 * (3 * 2 + 1 + 4 * 4));
  EXPECT_EQ(to_image::flops({}, {1, 3, 8, 8}), 9 * 64);
  EXPECT_EQ(to_image::flops({.rounds = true, .grey = true}, {1, 3, 8, 8}), 15 * 64);
  EXPECT_EQ(to_image::bytes({.bits = 16}, {1, 4, 8, 8}, 2), 64 * (3 * 2 + 3 * 2));
}

/// The numbers of an image, the samples of a tensor, by the reference or the CPU's kernels.
template <class S>
struct Converter {
  bool fast = false;

  void to_tensor(const to_tensor::Desc& desc, const to_tensor::Args<S, float>& args) const {
    fast ? to_tensor::cpu(desc, args, test::threads())
         : to_tensor::reference(desc, args, test::threads());
  }
  /// Samples, and the first bad x of every row.
  std::pair<std::vector<S>, std::vector<float>> to_image(to_image::Desc desc,
                                                         const Tensor<float>& numbers) const {
    desc.bits = 8 * sizeof(S);
    const Shape shape = to_image::output_shape(desc, numbers.view().shape);
    std::vector<S> samples(static_cast<size_t>(shape.elements()), S{42});
    Tensor<float> found(to_image::first_bad_shape(shape));
    const to_image::Args<S, float> args{
        numbers.view(), {samples.data(), shape, shape.c()}, found.view()};
    fast ? to_image::cpu(desc, args, test::threads())
         : to_image::reference(desc, args, test::threads());
    std::vector<float> bad;
    for (int64_t row = 0; row < shape.n() * shape.h(); ++row) {
      bad.push_back(found.view().at(row / shape.h(), 0, row % shape.h(), 0));
    }
    return {samples, bad};
  }
};

TEST(ToTensor, KnownNumbersOfAnImage) {
  // Two pixels, of which the second one is a hole.
  const std::vector<uint8_t> samples{0, 51, 255, 102, 204, 153};
  const std::vector<uint8_t> mask{0, 7};
  to_tensor::Desc desc{{.from = From::blue, .mean = 0.5f, .scale = 2, .hole = 9},
                       {.from = From::green, .mean = 0.25f, .hole = 8},
                       {.from = From::red, .scale = 4, .hole = 7},
                       {.known = 1, .hole = 1},
                       {.hole = 1}};
  desc.masked = true;
  for (const bool fast : {false, true}) {
    Tensor<float> out({1, 5, 1, 2});
    Converter<uint8_t>{fast}.to_tensor(
        desc, {{samples.data(), {1, 3, 1, 2}, 3}, {mask.data(), {1, 1, 1, 2}, 1}, out.view()});
    const std::vector<float> known{1, 51.0f / 255 - 0.25f, 0, 1, 0}, hole{9, 8, 7, 1, 1};
    for (int64_t k = 0; k < 5; ++k) {
      EXPECT_EQ(out.view().at(0, k, 0, 0), known[static_cast<size_t>(k)]);
      EXPECT_EQ(out.view().at(0, k, 0, 1), hole[static_cast<size_t>(k)]);
    }
  }
}

TEST(ToImage, KnownSamplesOfATensor) {
  Tensor<float> numbers({1, 3, 1, 3});
  numbers.for_each([](int64_t, int64_t c, int64_t, int64_t x, float& v) {
    const float values[3][3] = {{0.5f, 2, -1}, {1, 1, 1}, {0.25f, 0.75f, 1}};
    v = c < 3 ? values[x][c] : 0.0f;
  });
  using Samples = std::vector<uint8_t>;
  for (const bool fast : {false, true}) {
    const auto made = [&](const to_image::Desc& desc) {
      return Converter<uint8_t>{fast}.to_image(desc, numbers).first;
    };
    EXPECT_EQ(made({}), (Samples{127, 255, 0, 255, 255, 255, 63, 191, 255}));
    EXPECT_EQ(made({.rounds = true}), (Samples{128, 255, 0, 255, 255, 255, 64, 191, 255}));
    EXPECT_EQ(made({.rgb = {{{2, 1, 0.5f}, {1, 0, 0.5f}, {0, 0.5f, 1}}}}),
              (Samples{0, 255, 255, 255, 127, 255, 255, 95, 191}));
    // 0.299 * 0.5 + 0.587 of what was clamped to 1; 0.299 * 0.25 + 0.587 * 0.75 + 0.114
    EXPECT_EQ(made({.grey = true}), (Samples{187, 255, 160}));
  }
}

template <class S>
class Samples : public testing::Test {};
using SampleTypes = testing::Types<uint8_t, uint16_t>;
TYPED_TEST_SUITE(Samples, SampleTypes);

TYPED_TEST(Samples, ComeBackAsThemselves) {
  using S = TypeParam;
  constexpr int64_t kSide = sizeof(S) == 1 ? 16 : 256;
  std::vector<S> samples;
  for (int32_t i = 0; i <= image::kWhite<S>; ++i) samples.push_back(static_cast<S>(i));
  for (const bool fast : {false, true}) {
    const auto back = [&](to_tensor::Desc there, const to_image::Desc& here) {
      const Converter<S> converter{fast};
      Tensor<float> numbers({1, there.count, kSide, kSide});
      there.bits = 8 * sizeof(S);
      converter.to_tensor(there, {{samples.data(), {1, 1, kSide, kSide}, 1}, {}, numbers.view()});
      return converter.to_image(here, numbers).first;
    };
    EXPECT_EQ(back(kPlain, {.grey = true}), samples);
    EXPECT_EQ(back(kSigned, {.rgb = kFromSigned, .rounds = true, .grey = true}), samples);
  }
}

TYPED_TEST(Samples, AreNotMadeOfWhatIsNoNumber) {
  using S = TypeParam;
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    for (const bool fast : {false, true}) {
      for (const bool grey : {false, true}) {
        const Converter<S> converter{fast};
        Tensor<float> numbers({2, 4, 3, 9});
        numbers.for_each([](int64_t, int64_t, int64_t, int64_t, float& v) { v = 0.5f; });
        numbers.view().at(0, 3, 1, 1) = bad;  // of no colour
        const to_image::Desc desc{.grey = grey};
        auto [expected, none] = converter.to_image(desc, numbers);
        EXPECT_EQ(none, std::vector<float>(6, -1));
        numbers.view().at(0, 2, 1, 7) = bad;
        numbers.view().at(0, 0, 1, 4) = bad;
        numbers.view().at(1, 1, 2, 0) = bad;
        const auto [samples, found] = converter.to_image(desc, numbers);
        EXPECT_EQ(found, (std::vector<float>{-1, 4, -1, -1, -1, 0}));
        const size_t colours = grey ? 1 : 3;
        for (const size_t pixel : {9u + 4, 9u + 7, 27u + 18}) {
          std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(pixel * colours), colours,
                      S{0});
        }
        EXPECT_EQ(samples, expected);
      }
    }
  }
}

}  // namespace
}  // namespace kintsugi
