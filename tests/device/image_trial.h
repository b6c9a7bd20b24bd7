// SPDX-License-Identifier: MIT
//
// A random picture with a random mask, made a tensor of one storage type and back, by definition and on
// the device that the program was linked with. Rows have gaps, whose samples no kernel may touch.
#pragma once

#include "kernels/image/cuda.h"
#include "tests/device/support.h"
#include "tests/kernels/image_cases.h"

namespace kintsugi::image {

/// What a picture is stored as, and its tensor.
template <class Sample, class Number>
struct Kind {
  using S = Sample;
  using T = Number;
};
using Kinds = testing::Types<Kind<uint8_t, float>, Kind<uint8_t, f16>, Kind<uint8_t, bf16>,
                             Kind<uint16_t, float>, Kind<uint16_t, f16>, Kind<uint16_t, bf16>>;

template <class K>
struct Trial {
  using S = typename K::S;
  using T = typename K::T;

  Case c;
  Pixels<S> picture;
  std::vector<uint8_t> mask;
  test::Tensor<float> numbers;  // of c.tensor, a little beyond [0, 1]; T can hold them

  explicit Trial(const Case& which)
      : c(which), picture(which), mask(mask_of(which)), numbers(numbers_of(which)) {
    test::round_to<T>(numbers);
  }

  [[nodiscard]] test::Tensor<float> tensor_by_definition() const {
    test::Tensor<float> out(c.tensor);
    reference<S, float>(c.to_tensor, {picture.view(), view_of_mask(c, mask), out.view()},
                        test::threads());
    test::round_to<T>(out);
    return out;
  }
  [[nodiscard]] std::vector<S> picture_by_definition() const {
    Pixels<S> out = picture;
    int64_t first_bad = kNoPixel;
    reference<S, float>(c.to_picture,
                        {numbers.view(), view_of_mask(c, mask), out.view(), &first_bad},
                        test::threads());
    EXPECT_EQ(first_bad, kNoPixel);
    return out.samples;
  }

  /// With `gap` groups of 16 bytes between pixels.
  [[nodiscard]] test::DeviceTensor<T> tensor_by_cuda(int64_t gap = 0) const {
    const test::DeviceBuffer samples(picture.samples), holes(mask);
    test::DeviceTensor<T> out(c.tensor, gap);
    const auto stream = device::make_stream();
    cuda<S, T>(c.to_tensor, {on(samples), masked(holes), out.view()}, *stream);
    device::synchronize(*stream);
    return out;
  }
  struct Made {
    std::vector<S> samples;
    int64_t first_bad = 0;
  };
  [[nodiscard]] Made picture_by_cuda(int64_t gap = 0) const {
    const test::DeviceBuffer samples(picture.samples), holes(mask);
    const test::DeviceBuffer first_bad(std::vector<int64_t>{kNoPixel});
    const test::DeviceTensor<T> in(numbers, gap);
    const auto stream = device::make_stream();
    cuda<S, T>(c.to_picture, {in.view(), masked(holes), on(samples), first_bad.data<int64_t>()},
               *stream);
    device::synchronize(*stream);
    return {samples.values<S>(), first_bad.values<int64_t>()[0]};
  }

  [[nodiscard]] Traffic traffic_to_tensor() const {
    return traffic(c.to_tensor, c.picture, c.tensor, sizeof(S), sizeof(T), c.masked);
  }
  [[nodiscard]] Traffic traffic_to_picture() const {
    return traffic(c.to_picture, c.picture, sizeof(S), c.masked, filled(c, mask));
  }

 private:
  [[nodiscard]] PictureView<S> on(const test::DeviceBuffer& samples) const {
    return {samples.data<S>(), c.picture, c.row_pitch()};
  }
  [[nodiscard]] MaskView masked(const test::DeviceBuffer& holes) const {
    return c.masked ? MaskView{holes.data<uint8_t>(), c.mask_pitch()} : MaskView{};
  }
};

}  // namespace kintsugi::image
