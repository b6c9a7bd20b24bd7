// SPDX-License-Identifier: MIT
//
// image on CUDA against its definition, bit for bit: on the emulator everywhere, on a GPU where there is
// one.
#include "tests/device/image_trial.h"

namespace kintsugi::image {
namespace {

using test::close;

template <class K>
class ImageCuda : public testing::Test {};
TYPED_TEST_SUITE(ImageCuda, Kinds);

TYPED_TEST(ImageCuda, AgreesWithItsDefinition) {
  for (const Case& c : cases()) {
    for (const int64_t gap : {0, 2}) {
      SCOPED_TRACE(c.name);
      const Trial<TypeParam> trial(c);
      EXPECT_TRUE(close(trial.tensor_by_cuda(gap).download().view(),
                        trial.tensor_by_definition().view(), 0));
      const auto made = trial.picture_by_cuda(gap);
      EXPECT_EQ(made.samples, trial.picture_by_definition());  // those between rows too
      EXPECT_EQ(made.first_bad, kNoPixel);
    }
  }
}

TYPED_TEST(ImageCuda, AWrongDescriptionIsSeen) {
  Trial<TypeParam> trial(cases()[0]);
  const auto tensor = trial.tensor_by_definition();
  const auto picture = trial.picture_by_definition();
  trial.c.to_tensor.channels[1].mean = 0.46f;
  EXPECT_FALSE(close(trial.tensor_by_cuda().download().view(), tensor.view(), 0));
  trial.c.to_tensor = kCentred;
  std::swap(trial.c.to_picture.rgb[0], trial.c.to_picture.rgb[2]);
  EXPECT_NE(trial.picture_by_cuda().samples, picture);
  trial.c.to_picture = kPlain;
  trial.mask[8] = trial.mask[8] == 0;
  EXPECT_FALSE(close(trial.tensor_by_cuda().download().view(), tensor.view(), 0));
  EXPECT_NE(trial.picture_by_cuda().samples, picture);
}

TYPED_TEST(ImageCuda, WhatIsNoNumberMakesNoSample) {
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    Trial<TypeParam> trial(cases()[1]);
    trial.mask[3 * static_cast<size_t>(trial.c.mask_pitch()) + 2] = 0;
    trial.numbers.view().at(0, 0, 3, 2) = bad;  // outside the mask
    trial.numbers.view().at(1, 3, 6, 6) = bad;  // of no colour
    const auto whole = trial.picture_by_cuda();
    EXPECT_EQ(whole.first_bad, kNoPixel);
    // The first of 17 rows in either picture, and two pixels later.
    trial.mask[4] = trial.mask[6] = 1;
    trial.mask[static_cast<size_t>(17 * trial.c.mask_pitch())] = 1;
    auto expected = trial.picture_by_cuda().samples;
    for (const auto& [n, x] : std::vector<std::array<int64_t, 2>>{{0, 4}, {0, 6}, {1, 0}}) {
      trial.numbers.view().at(n, x % 3, 0, x) = bad;
      for (int64_t k = 0; k < 4; ++k) {
        const auto i = static_cast<size_t>(17 * n * trial.c.row_pitch() + 4 * x + k);
        expected[i] = trial.picture.samples[i];
      }
    }
    const auto made = trial.picture_by_cuda();
    EXPECT_EQ(made.first_bad, 4);
    EXPECT_EQ(made.samples, expected);
  }
}

/// Every sample there is, in a grey picture: the division by white, and what comes back.
template <class S>
void expect_every_sample() {
  constexpr int64_t kSide = sizeof(S) == 1 ? 16 : 256;
  Case c{"every sample", kCentred, kPlain, {1, 1, kSide, kSide}, {1, 4, kSide, kSide}, false, 0};
  for (Channel& channel : c.to_tensor.channels) channel.mean = 0;
  Trial<Kind<S, float>> trial(c);
  for (size_t i = 0; i < trial.picture.samples.size(); ++i) {
    trial.picture.samples[i] = static_cast<S>(i);
  }
  trial.numbers = trial.tensor_by_cuda().download();
  EXPECT_TRUE(close(trial.numbers.view(), trial.tensor_by_definition().view(), 0));
  const std::vector<S> samples = trial.picture.samples;
  std::ranges::fill(trial.picture.samples, Pixels<S>::kBetween);
  EXPECT_EQ(trial.picture_by_cuda().samples, samples);
}

TEST(ImageCudaSamples, OfEightBitsComeBackAsThemselves) { expect_every_sample<uint8_t>(); }
TEST(ImageCudaSamples, OfSixteenBitsComeBackAsThemselves) { expect_every_sample<uint16_t>(); }

TEST(ImageCudaLaunch, WhatIsTooLargeIsRefused) {
  const auto stream = device::make_stream();
  const Shape picture{1, 3, 65536, 65536}, tensor{1, 4, 65536, 65536};
  const std::string sentence = "image on CUDA: 4294967296 pixels are beyond its 31 bits";
  EXPECT_EQ(
      test::error_of([&] {
        cuda<uint8_t, float>(kCentred, {{nullptr, picture, 0}, {}, {nullptr, tensor, 4}}, *stream);
      }),
      sentence);
  EXPECT_EQ(test::error_of([&] {
              cuda<uint8_t, float>(kPlain, {{nullptr, tensor, 4}, {}, {nullptr, picture, 0}, {}},
                                   *stream);
            }),
            sentence);
}

TEST(ImageCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](int64_t pitch, const Shape& tensor) {
    return test::error_of([&] {
      cuda<uint8_t, f16>(kCentred, {{nullptr, {1, 3, 8, 8}, 24}, {}, {nullptr, tensor, pitch}},
                         *stream);
    });
  };
  EXPECT_EQ(refusal(12, {1, 4, 8, 8}), "image on CUDA: a pixel does not start at 16 bytes");
  EXPECT_EQ(refusal(8, {1, 4, 8, 4}),
            "picture to tensor of 4 channels: the tensor [1, 4, 8, 4] does not hold the picture "
            "[1, 3, 8, 8]");
}

}  // namespace
}  // namespace kintsugi::image
