// SPDX-License-Identifier: MIT
//
// Winograd's form of conv2d against the reference, where the policy would take it and where not.
#include "kernels/conv2d/winograd.h"

#include "kernels/conv2d/cases.h"
#include "tests/kernels/conv2d_problem.h"

namespace kintsugi::conv2d {
namespace {

using test::close;
using test::same_bits;

/// The promised relative L2 error of this form.
constexpr double kWinogradTolerance = 2e-5;

Desc conv3x3(int64_t c, int64_t k, int64_t dilation = 1) {
  return {
      .in_channels = c, .out_channels = k, .kernel = 3, .dilation = dilation, .padding = dilation};
}

struct Case {
  std::string name;
  Desc desc;
  Shape input;
};

std::vector<Case> winograd_cases() {
  std::vector<Case> cases;
  for (const OpCase& c : conv2d::cases()) {
    const Desc& desc = *c.op.as<Desc>();
    if (c.element_bytes != 2 && winograd::has_form(desc) && !desc.moments) {
      cases.push_back({c.name, desc, c.inputs[0]});
    }
  }
  const auto add = [&](const std::string& name, const Desc& desc, Shape picture) {
    picture = {picture.n(), desc.in_channels, picture.h(), picture.w()};
    cases.push_back({name, desc, picture});
  };
  for (const int64_t h : {1, 3, 4, 5, 8}) {
    for (const int64_t w : {1, 2, 4, 9, 15}) {
      add("picture_" + std::to_string(h) + "x" + std::to_string(w), conv3x3(5, 6), {1, 0, h, w});
    }
  }
  for (const int64_t dilation : {2, 3, 4, 8, 16}) {
    for (const int64_t size : {3, 17, 33}) {
      add("dilation_" + std::to_string(dilation) + "_of_" + std::to_string(size),
          conv3x3(6, 20, dilation), {1, 0, size, size + 2});
    }
  }
  for (const int64_t channels : {1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 33, 63, 64, 65}) {
    add("channels_in_" + std::to_string(channels), conv3x3(channels, 7), {1, 0, 6, 9});
    add("channels_out_" + std::to_string(channels), conv3x3(7, channels), {1, 0, 6, 9});
  }
  for (const int64_t dilation : {1, 2, 5}) {
    Desc desc = conv3x3(5, 9, dilation);
    desc.padding_mode = PaddingMode::reflect;
    for (const int64_t size : {6, 7, 21}) {
      add("reflect_" + std::to_string(dilation) + "_of_" + std::to_string(size), desc,
          {2, 0, size, size + 1});
    }
  }
  Desc odd = conv3x3(4, 8);
  odd.padding = {0, 3};
  odd.dilation = {1, 2};
  add("uneven_dilation_and_padding", odd, {1, 0, 9, 11});
  odd.padding = 0;
  add("no_padding", odd, {1, 0, 13, 14});
  return cases;
}

TEST(Conv2dWinograd, AgreesWithReferenceAndKeepsToItsView) {
  for (const Case& c : winograd_cases()) {
    SCOPED_TRACE(c.name);
    const Problem p(c.desc, c.input, 12);
    Tensor<float> output = p.cpu(p.winograd(), test::threads(), 8);
    EXPECT_TRUE(close(output.view(), p.reference().view(), kWinogradTolerance));
    EXPECT_TRUE(test::pads_are_zero(output));
  }
}

// Measured: 1e-6 for 16 channels, 4.6e-6 for 512, growing with the length of the sum.
TEST(Conv2dWinogradError, IsFarBelowThePromise) {
  for (const int64_t channels : {16, 64, 512}) {
    const Problem p(conv3x3(channels, 32), {1, channels, 16, 16});
    EXPECT_TRUE(close(p.cpu(p.winograd()).view(), p.reference().view(), 6e-6)) << channels;
  }
}

TEST(Conv2dWinogradBits, DoNotDependOnThreadsTasksOrScratch) {
  const Problem p(conv3x3(19, 70, 2), {2, 19, 33, 27});
  const Tensor<float> expected = p.cpu(p.winograd());
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const int64_t tiles : {1, 5, 39, 1000}) {
      EXPECT_TRUE(same_bits(p.cpu(p.winograd(tiles), pool).data(), expected.data()))
          << threads << " threads, " << tiles << " tiles a task";
    }
  }
}

TEST(Conv2dWinogradBits, DoNotDependOnTheBatch) {
  const Desc desc = conv3x3(6, 20);
  const Problem all(desc, {3, 6, 12, 21});
  const Tensor<float> together = all.cpu(all.winograd());
  for (int64_t n = 0; n < 3; ++n) {
    Problem one(desc, {1, 6, 12, 21});
    one.weight = all.weight;
    one.input.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
      v = all.input.view().at(n, c, y, x);
    });
    const Tensor<float> alone = one.cpu(one.winograd());
    const float* begin = together.view().pixel(n, 0, 0);
    const std::vector<float> part(begin, begin + alone.data().size());
    EXPECT_TRUE(same_bits(alone.data(), part)) << "sample " << n;
  }
}

TEST(Conv2dWinogradEpilogue, EveryStep) {
  for (const Step& step : test::every_step()) {
    for (const int64_t k : {3, 17, 70}) {
      Desc desc = conv3x3(3, k, 2);
      desc.epilogue = {step};
      const Problem p(desc, {2, 3, 6, 17});
      Tensor<float> output = p.cpu(p.winograd());
      EXPECT_TRUE(close(output.view(), p.reference().view(), kWinogradTolerance))
          << to_string(desc.epilogue) << " on " << k << " channels";
      EXPECT_TRUE(test::pads_are_zero(output)) << to_string(desc.epilogue);
    }
  }
}

TEST(Conv2dWinogradEpilogue, EightStepsInOrder) {
  Desc desc = conv3x3(5, 37);
  desc.epilogue = {step::add(Extent::channel),
                   step::activate(Function::relu),
                   step::mul(Extent::sample_channel),
                   step::add(Extent::pixel),
                   step::affine(Extent::channel),
                   step::add(Extent::tensor),
                   step::mul(0.5f),
                   step::clamp(-0.1f, 0.9f)};
  const Problem p(desc, {2, 5, 9, 20});
  EXPECT_TRUE(close(p.cpu(p.winograd()).view(), p.reference().view(), kWinogradTolerance));
}

// A value that is not finite reaches at least every output that the direct form shows it in, and
// no output of a tile that does not read it.
TEST(Conv2dWinogradEpilogue, NeverHidesWhatIsNotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const Step& step : {step::add(Extent::channel), step::activate(Function::identity)}) {
      Desc desc = conv3x3(3, 5);
      desc.epilogue = {step};
      Problem p(desc, {1, 3, 12, 30});
      p.input.view().at(0, 1, 4, 20) = bad;
      const Tensor<float> output = p.cpu(p.winograd());
      for (int64_t k = 0; k < 5; ++k) {
        for (int64_t y = 3; y <= 5; ++y) {
          for (int64_t x = 19; x <= 21; ++x) {
            EXPECT_FALSE(std::isfinite(output.view().at(0, k, y, x)));
          }
        }
        EXPECT_TRUE(std::isfinite(output.view().at(0, k, 8, 20)));
        EXPECT_TRUE(std::isfinite(output.view().at(0, k, 4, 14)));
      }
    }
  }
  for (const Step& step : test::every_step()) {
    Desc desc = conv3x3(3, 5);
    desc.epilogue = {step};
    Problem p(desc, {1, 3, 8, 30});
    p.input.view().at(0, 1, 4, 20) = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(p.cpu(p.winograd()).view().at(0, 0, 5, 19))) << to_string(desc.epilogue);
  }
}

TEST(Conv2dWinogradScratch, IsStatedAndChecked) {
  const Problem p(conv3x3(5, 9), {1, 5, 16, 16});
  EXPECT_EQ(workspace_elements(p.desc, p.direct(), p.input.shape(), 2), 0);
  const CpuConfig config = p.winograd();
  const int64_t one = workspace_elements(p.desc, config, p.input.shape(), 1);
  EXPECT_EQ(workspace_elements(p.desc, config, p.input.shape(), 3), 3 * one);
  std::vector<float> packed(static_cast<size_t>(packed_elements(p.desc, config)));
  pack(p.desc, config, {0, p.desc.out_channels}, p.weight, packed);
  // Two threads with the scratch of one: slower, and the same.
  std::vector<float> scratch(static_cast<size_t>(one));
  Tensor<float> output({1, 9, 16, 16});
  cpu(p.desc, config, {p.input.view(), packed, {}, output.view(), std::span(scratch)},
      test::threads());
  EXPECT_TRUE(same_bits(output.data(), p.cpu(config).data()));
  scratch.pop_back();
  EXPECT_NE(test::error_of([&] {
              cpu(p.desc, config, {p.input.view(), packed, {}, output.view(), std::span(scratch)},
                  test::threads());
            }).find("the workspace holds"),
            std::string::npos);
}

// When it is chosen: 3x3, stride 1, enough channels, enough tiles that are mostly inside.

bool chosen(const Desc& desc, const Shape& picture, bool allow = true) {
  return choose(desc, picture, simd::chosen(), allow).algorithm == Algorithm::winograd;
}

TEST(Conv2dWinogradPolicy, TakesWhatPays) {
  EXPECT_TRUE(chosen(conv3x3(256, 256), {1, 256, 64, 64}));
  EXPECT_TRUE(chosen(conv3x3(128, 128), {1, 128, 128, 128}));
  EXPECT_TRUE(chosen(conv3x3(256, 256, 16), {1, 256, 64, 64}));
  EXPECT_FALSE(chosen(conv3x3(256, 256), {1, 256, 64, 64}, false));  // forbidden
  EXPECT_FALSE(chosen(conv3x3(4, 256), {1, 4, 64, 64}));             // few channels
  EXPECT_FALSE(chosen(conv3x3(256, 3), {1, 256, 64, 64}));
  EXPECT_FALSE(chosen(conv3x3(512, 512), {1, 512, 8, 8}));        // few tiles
  EXPECT_FALSE(chosen(conv3x3(256, 256, 32), {1, 256, 64, 64}));  // tiles of 2x2 outputs
  Desc desc = conv3x3(256, 256);
  desc.stride = 2;
  EXPECT_FALSE(chosen(desc, {1, 256, 64, 64}));
  desc = conv3x3(256, 256);
  desc.kernel = {3, 1};
  EXPECT_FALSE(chosen(desc, {1, 256, 64, 64}));
}

TEST(Conv2dWinogradPolicy, IgnoresTheBatchAndNamesItsPacking) {
  const Desc desc = conv3x3(256, 256, 2);
  const CpuConfig one = choose(desc, {1, 256, 64, 64}, simd::chosen());
  EXPECT_EQ(one, choose(desc, {7, 256, 64, 64}, simd::chosen()));
  EXPECT_NE(to_string(one).find("winograd"), std::string::npos);
  const CpuConfig direct = choose(desc, {1, 256, 64, 64}, simd::chosen(), false);
  EXPECT_NE(packing(desc, one), packing(desc, direct));
}

// What a Winograd kernel can plausibly get wrong must not pass.

TEST(Conv2dWinogradPlantedError, OnePointOfOneFilterLost) {
  const Problem p(conv3x3(64, 32), {1, 64, 40, 40});
  const CpuConfig config = p.winograd();
  std::vector<float> packed(static_cast<size_t>(packed_elements(p.desc, config)));
  pack(p.desc, config, {0, p.desc.out_channels}, p.weight, packed);
  const int64_t block = config.block_channels();
  // Point (2, 3), input channel 63, output channel 5.
  const int64_t row = (15 * (32 / block) + 5 / block) * 64 + 63;
  packed[static_cast<size_t>(row * block + 5 % block)] = 0;
  std::vector<float> scratch(
      static_cast<size_t>(workspace_elements(p.desc, config, p.input.shape(), 2)));
  Tensor<float> wrong({1, 32, 40, 40});
  cpu(p.desc, config, {p.input.view(), packed, {}, wrong.view(), std::span(scratch)},
      test::threads());
  EXPECT_FALSE(close(wrong.view(), p.reference().view(), kWinogradTolerance));
}

TEST(Conv2dWinogradPlantedError, BorderTapDroppedInATile) {
  const Problem p(conv3x3(64, 32), {1, 64, 40, 40});
  Tensor<float> wrong = p.cpu(p.winograd());
  for (int64_t c = 0; c < 64; ++c) {
    wrong.view().at(0, 0, 39, 39) -=
        p.input.view().at(0, c, 38, 38) * p.weight[static_cast<size_t>(c * 9)];
  }
  EXPECT_FALSE(close(wrong.view(), p.reference().view(), kWinogradTolerance));
}

}  // namespace
}  // namespace kintsugi::conv2d
