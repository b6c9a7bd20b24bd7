// SPDX-License-Identifier: MIT
//
// to_tensor and to_image on CUDA beside what tests/ops asks: every sample there is, NaN, what is refused.
#include "kernels/to_image/cuda.h"
#include "kernels/to_tensor/cuda.h"
#include "tests/device/support.h"

namespace kintsugi {
namespace {

using test::DeviceBuffer;
using test::DeviceTensor;
using test::Tensor;
using to_tensor::From;

/// Every sample as a grey image, there and back.
template <class S>
void expect_every_sample() {
  constexpr int64_t kSide = sizeof(S) == 1 ? 16 : 256;
  const Shape grey{1, 1, kSide, kSide}, shape{1, 3, kSide, kSide};
  std::vector<S> samples;
  for (int32_t i = 0; i <= image::kWhite<S>; ++i) samples.push_back(static_cast<S>(i));
  to_tensor::Desc there{{.from = From::red}, {.from = From::green}, {.from = From::blue}};
  there.bits = 8 * sizeof(S);
  const to_image::Desc back{.grey = true, .bits = 8 * sizeof(S)};

  Tensor<float> expected(shape);
  to_tensor::reference<S, float>(there, {{samples.data(), grey, 1}, {}, expected.view()},
                                 test::threads());
  const DeviceBuffer given(samples), made(std::vector<S>(samples.size(), S{42}));
  DeviceTensor<float> numbers(shape), first_bad(to_image::first_bad_shape(shape));
  const auto stream = device::make_stream();
  to_tensor::cuda<S, float>(there, {{given.data<S>(), grey, 1}, {}, numbers.view()}, *stream);
  to_image::cuda<S, float>(back, {numbers.view(), {made.data<S>(), grey, 1}, first_bad.view()},
                           *stream);
  device::synchronize(*stream);
  EXPECT_TRUE(test::close(numbers.download().view(), expected.view(), 0));
  EXPECT_EQ(made.values<S>(), samples);
}

TEST(ImageCuda, SamplesOfEightBitsComeBackAsThemselves) { expect_every_sample<uint8_t>(); }
TEST(ImageCuda, SamplesOfSixteenBitsComeBackAsThemselves) { expect_every_sample<uint16_t>(); }

template <class T>
class ImageCudaNaN : public testing::Test {};
using Types = testing::Types<float, f16, bf16>;
TYPED_TEST_SUITE(ImageCudaNaN, Types);

TYPED_TEST(ImageCudaNaN, MakesNoSample) {
  using T = TypeParam;
  const Shape shape{2, 4, 3, 150};  // a row longer than a block
  const to_image::Desc desc{.bits = 16};
  const Shape image = to_image::output_shape(desc, shape);
  const auto made = [&](const Tensor<float>& numbers) {
    const DeviceTensor<T> in(numbers, 0);
    const DeviceBuffer samples(std::vector<uint16_t>(static_cast<size_t>(image.elements()), 42));
    DeviceTensor<float> first_bad(to_image::first_bad_shape(shape));
    const auto stream = device::make_stream();
    to_image::cuda<uint16_t, T>(
        desc, {in.view(), {samples.data<uint16_t>(), image, 3}, first_bad.view()}, *stream);
    device::synchronize(*stream);
    std::vector<float> found;
    const Tensor<float> rows = first_bad.download();
    for (int64_t row = 0; row < 6; ++row) found.push_back(rows.view().at(row / 3, 0, row % 3, 0));
    return std::pair(samples.values<uint16_t>(), found);
  };
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    Tensor<float> numbers(shape);
    numbers.for_each([](int64_t, int64_t, int64_t, int64_t, float& v) { v = 0.5f; });
    numbers.view().at(0, 3, 1, 1) = bad;  // of no colour
    auto [expected, none] = made(numbers);
    EXPECT_EQ(none, std::vector<float>(6, -1));
    numbers.view().at(0, 2, 1, 140) = bad;
    numbers.view().at(0, 0, 1, 33) = bad;
    numbers.view().at(1, 1, 2, 0) = bad;
    const auto [samples, found] = made(numbers);
    EXPECT_EQ(found, (std::vector<float>{-1, 33, -1, -1, -1, 0}));
    for (const size_t pixel : {150u + 140, 150u + 33, 750u}) {
      std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(3 * pixel), 3, uint16_t{0});
    }
    EXPECT_EQ(samples, expected);
  }
}

TEST(ImageCuda, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const to_tensor::Desc desc{{.from = From::red}, {.from = From::green}};
  const auto refusal = [&](const Shape& image, const Shape& tensor, int64_t pitch) {
    return test::error_of([&] {
      to_tensor::cuda<uint8_t, f16>(desc, {{nullptr, image, 3}, {}, {nullptr, tensor, pitch}},
                                    *stream);
    });
  };
  EXPECT_EQ(refusal({1, 3, 8, 8}, {1, 2, 8, 8}, 12),
            "to_tensor on CUDA: a pixel does not start at 16 bytes");
  EXPECT_EQ(refusal({1, 3, 8, 8}, {1, 2, 8, 9}, 8), "to_tensor on CUDA: an output does not fit");
  EXPECT_EQ(refusal({1, 3, 65536, 65536}, {1, 2, 65536, 65536}, 8),
            "to_tensor on CUDA: 4294967296 pixels are beyond its 31 bits");
  const auto refused_back = [&](const Shape& tensor, const Shape& first_bad, int64_t pitch) {
    return test::error_of([&] {
      to_image::cuda<uint8_t, float>({},
                                     {{nullptr, tensor, pitch},
                                      {nullptr, to_image::output_shape({}, tensor), 3},
                                      {nullptr, first_bad, 4}},
                                     *stream);
    });
  };
  EXPECT_EQ(refused_back({1, 3, 8, 8}, {1, 1, 8, 1}, 6),
            "to_image on CUDA: a pixel does not start at 16 bytes");
  EXPECT_EQ(refused_back({1, 3, 8, 8}, {1, 1, 1, 1}, 4),
            "to_image on CUDA: an output does not fit");
  EXPECT_EQ(refused_back({1, 3, 65536, 65536}, {1, 1, 65536, 1}, 4),
            "to_image on CUDA: 4294967296 pixels are beyond its 31 bits");
}

}  // namespace
}  // namespace kintsugi
