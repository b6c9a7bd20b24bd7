// SPDX-License-Identifier: MIT
//
// partial_mask on CUDA against its definition: on the emulator everywhere, on a GPU where there is one.
#include "tests/device/partial_mask_trial.h"

namespace kintsugi::partial_mask {
namespace {

using test::close;

TEST(PartialMaskCuda, AgreesWithItsDefinition) {
  for (const Case& c : odd_cases()) {
    for (const int64_t gap : {0, 2}) {
      SCOPED_TRACE(c.name());
      const Trial trial(c);
      const test::Tensor<float> out = trial.cuda(gap).download();
      EXPECT_TRUE(close(out.view(), by_definition<double>(c.desc, trial.masks).view()));
      EXPECT_TRUE(close(out.view(), by_definition<float>(c.desc, trial.masks).view(),
                        c.exact() ? 0 : test::kTolerance));
    }
  }
}

TEST(PartialMaskCuda, AResultIsTheNextMask) {
  const Trial trial({{.kernel = 3, .stride = 2, .padding = 1, .channels = {3, 0}}, {2, 1, 9, 12}});
  const test::DeviceTensor<float> first = trial.cuda();
  const TensorView<const float> result = first.view();
  const auto mask = mask_of(result);
  const test::Tensor<float> known = first.download();
  test::Tensor<float> apart(mask.shape);
  apart.for_each([&](int64_t n, int64_t k, int64_t y, int64_t x, float& v) {
    if (k == 0) v = known.view().at(n, kValid, y, x);
  });
  const Desc next{.kernel = 3, .padding = 1, .channels = {64, 3}};
  const test::DeviceTensor<float> out(output_shape(next, mask.shape));
  const auto stream = device::make_stream();
  cuda(next, {{mask, mask}, out.view()}, *stream);
  device::synchronize(*stream);
  EXPECT_TRUE(close(out.download().view(), by_definition<float>(next, {apart, apart}).view(), 0));
}

TEST(PartialMaskCuda, NeverHidesNaN) {
  for (const Form form : {Form::paper, Form::naoto}) {
    Trial trial({{.kernel = 3, .padding = 1, .form = form}, {1, 1, 5, 5}});
    trial.masks[0].view().at(0, 0, 2, 2) = std::numeric_limits<float>::quiet_NaN();
    const test::Tensor<float> out = trial.cuda().download();
    for (int64_t y = 0; y < 5; ++y) {
      for (int64_t x = 0; x < 5; ++x) {
        const bool held = y >= 1 && y <= 3 && x >= 1 && x <= 3;
        EXPECT_EQ(std::isnan(out.view().at(0, kRatio, y, x)), held) << y << " " << x;
      }
    }
  }
}

TEST(PartialMaskCuda, AWrongDescriptionIsSeen) {
  Trial trial({{.kernel = 3, .padding = 1, .channels = {3, 2}}, {1, 1, 9, 8}});
  const Desc right = trial.desc;
  const test::Tensor<float> expected = by_definition<float>(right, trial.masks);
  const auto by = [&](const auto& change) {
    trial.desc = right;
    change(trial.desc);
    return close(trial.cuda().download().view(), expected.view());
  };
  EXPECT_TRUE(by([](Desc&) {}));
  EXPECT_FALSE(by([](Desc& d) { d.kernel = 5, d.padding = 2; }));
  EXPECT_FALSE(by([](Desc& d) { d.dilation = d.padding = 2; }));
  EXPECT_FALSE(by([](Desc& d) { d.channels = {2, 3}; }));
  EXPECT_FALSE(by([](Desc& d) { d.channels = {5, 0}; }));
  EXPECT_FALSE(by([](Desc& d) { d.form = Form::naoto; }));
}

TEST(PartialMaskCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const Shape& mask, const Shape& second,
                           const Shape& output, int64_t pitch = 4) {
    return test::error_of([&] {
      cuda(
          desc,
          {{TensorView<const float>{nullptr, mask, 4}, TensorView<const float>{nullptr, second, 4}},
           {nullptr, output, pitch}},
          *stream);
    });
  };
  const Shape small{1, 1, 4, 4};
  EXPECT_EQ(refusal({}, {1, 1, 65536, 65536}, {}, {1, 2, 65536, 65536}),
            "partial_mask on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({.stride = int64_t{1} << 31}, {1, 1, int64_t{1} << 32, 1}, {}, {1, 2, 2, 1}),
            "partial_mask on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({.kernel = 2, .dilation = int64_t{1} << 31, .padding = int64_t{1} << 30}, small,
                    {}, {1, 2, 4, 4}),
            "partial_mask on CUDA: 2147483652 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({.kernel = 2}, small, {}, {1, 2, 4, 4}),
            "partial_mask on CUDA: a mask or the output does not fit");
  EXPECT_EQ(refusal({.channels = {1, 1}}, small, {1, 1, 4, 5}, {1, 2, 4, 4}),
            "partial_mask on CUDA: a mask or the output does not fit");
  EXPECT_EQ(refusal({}, small, {}, {1, 2, 4, 4}, 3),
            "partial_mask on CUDA: a pixel does not start at 16 bytes");
}

}  // namespace
}  // namespace kintsugi::partial_mask
