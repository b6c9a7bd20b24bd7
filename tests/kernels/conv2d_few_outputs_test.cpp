// SPDX-License-Identifier: MIT
//
// conv2d's form for few output channels, where the policy would take it and where not.
#include "tests/kernels/fused_problem.h"

namespace kintsugi::conv2d {
namespace {

using namespace test;

const Step kBias = step::add(Extent::channel);
const Step kNorm = step::affine(Extent::sample_channel);
const Step kRelu = step::activate(Function::relu);
const Step kTanh = step::activate(Function::tanh);

Desc conv(int64_t c, int64_t k, Pair kernel, PaddingMode mode = PaddingMode::zero) {
  return {.in_channels = c,
          .out_channels = k,
          .kernel = kernel,
          .padding = {kernel.h / 2, kernel.w / 2},
          .padding_mode = mode,
          .epilogue = {kBias, kTanh}};
}

TEST(FewOutputs, AnyNumberOfChannels) {
  for (const int64_t k : {1, 2, 3, 4}) {
    for (const int64_t c : {1, 5, 8, 12, 17, 32, 36, 64}) {
      for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
        expect_right(conv(c, k, 1, mode), {2, c, 3, 7});
        expect_right(conv(c, k, 3, mode), {2, c, 5, 29});
        Desc wide = conv(c, k, 7, mode);
        wide.epilogue = {kBias};  // of sums this long tanh keeps only what is nearly zero
        expect_right(wide, {2, c, 4, 11});
      }
    }
  }
}

TEST(FewOutputs, AnyGeometry) {
  for (const int64_t up : {1, 2}) {
    for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
      for (const Steps& steps : {Steps{}, Steps{kNorm, kRelu}, Steps{step::mul(Extent::pixel)}}) {
        const auto expect = [&](Pair kernel, Pair stride, Pair dilation, Pair padding, int64_t k,
                                Shape picture) {
          Desc desc = conv(picture.c(), k, kernel, mode);
          desc.stride = stride;
          desc.dilation = dilation;
          desc.padding = padding;
          desc.prologue = {.steps = steps, .upsample = up};
          expect_right(desc, picture);
        };
        expect(3, 1, 1, 1, 3, {2, 12, 6, 33});
        expect(3, 1, 1, 0, 4, {1, 64, 5, 3});
        expect(3, 1, 2, 2, 1, {1, 17, 5, 18});
        expect(3, 1, 3, 4, 2, {1, 8, 9, 15});
        expect(3, 2, 1, 1, 3, {2, 17, 6, 29});
        expect(3, 3, 1, 2, 4, {1, 12, 6, 19});
        expect({5, 4}, {1, 2}, 1, {2, 1}, 2, {1, 8, 5, 17});
        expect({1, 7}, {2, 1}, {1, 2}, {0, 6}, 3, {1, 32, 3, 9});
        expect(1, 2, 1, 0, 3, {1, 9, 3, 31});
      }
    }
  }
  // A picture of a pixel, and more padding than picture.
  for (const int64_t padding : {1, 5}) {
    Desc desc = conv(12, 3, 3);
    desc.padding = padding;
    expect_right(desc, {1, 12, 1, 1});
    expect_right(desc, {2, 12, 2, 3});
  }
}

TEST(FewOutputs, EveryStepBehind) {
  for (const Step& step : every_step()) {
    for (const int64_t k : {1, 2, 3, 4}) {
      Desc desc = conv(12, k, 3);
      for (const Steps& steps : {Steps{step}, Steps{kBias, step}, Steps{step, kBias, kTanh}}) {
        desc.epilogue = steps;
        expect_right(desc, {2, 12, 3, 21});
      }
    }
  }
}

TEST(FewOutputs, EightStepsInOrder) {
  Desc desc = conv(17, 3, 3);
  desc.epilogue = {step::mul(Extent::sample_channel), step::add(Extent::pixel),
                   step::affine(Extent::channel),     step::activate(Function::elu),
                   step::add(Extent::tensor),         step::mul(0.5f),
                   step::clamp(-0.1f, 0.9f),          step::activate(Function::sigmoid)};
  expect_right(desc, {2, 17, 9, 20});
}

TEST(FewOutputs, BitsDependOnTheElementAlone) {
  for (const int64_t up : {1, 2}) {
    Desc desc = conv(20, 3, 3);
    expect_same_bits(desc, {3, 20, 11, 27}, Form::few_outputs);
    desc.prologue = {.steps = {kNorm, kRelu}, .upsample = up};
    desc.padding_mode = PaddingMode::reflect;
    expect_same_bits(desc, {2, 20, 11, 9}, Form::few_outputs);
  }
}

TEST(FewOutputs, BitsDoNotDependOnTheTiling) {
  for (const int64_t c : {16, 20}) {
    for (const int64_t k : {1, 2, 3, 4}) {
      const Fused<Desc> p(conv(c, k, 3, PaddingMode::reflect), {1, c, 7, 31});
      const auto bound = p.operands.bind();
      CpuConfig config = configure(p.desc, p.input.shape(), Form::few_outputs);
      const auto output = [&] {
        return run(p.desc, config, p.input.view(), p.weight, bound).data();
      };
      const std::vector<float> expected = output();
      for (const int64_t rows : {1, 3}) {
        config.task_rows = rows;
        const int64_t most = simd::max_dot_pixels(config.isa, k);
        for (config.tile_pixels = 1; config.tile_pixels <= most; ++config.tile_pixels) {
          EXPECT_TRUE(same_bits(output(), expected)) << to_string(config);
        }
      }
      // Nor on how far apart the pixels are, which joins taps or parts them.
      const Fused<Desc> apart(p.desc, p.input.shape(), 4);
      EXPECT_TRUE(same_bits(apart.whole(Form::few_outputs).data(), expected));
    }
  }
}

TEST(FewOutputs, NeverHidesNaN) {
  for (const Step& step : every_step()) {
    Desc desc = conv(9, 3, 3);
    desc.epilogue = {step};
    Fused<Desc> p(desc, {1, 9, 8, 30});
    p.input.view().at(0, 8, 4, 20) = std::numeric_limits<float>::quiet_NaN();
    const Tensor<float> output = p.whole(Form::few_outputs);
    for (int64_t k = 0; k < 3; ++k) {
      EXPECT_TRUE(std::isnan(output.view().at(0, k, 5, 19))) << to_string(desc.epilogue);
      EXPECT_FALSE(std::isnan(output.view().at(0, k, 2, 20))) << to_string(desc.epilogue);
      EXPECT_FALSE(std::isnan(output.view().at(0, k, 4, 18))) << to_string(desc.epilogue);
    }
  }
}

// When it is chosen: at most four filters, no gate, eight channels, real vectors.

bool chosen(const Desc& desc, simd::Isa isa = simd::Isa::avx512) {
  return choose(desc, {1, desc.in_channels, 64, 64}, isa).algorithm == Algorithm::few_outputs;
}

TEST(FewOutputsPolicy, TakesWhatPays) {
  for (const int64_t k : {1, 2, 3, 4}) {
    for (const int64_t kernel : {1, 3, 7}) {
      EXPECT_TRUE(chosen(conv(64, k, kernel)));
      EXPECT_TRUE(chosen(conv(8, k, kernel)));
      EXPECT_FALSE(chosen(conv(7, k, kernel)));
    }
  }
  EXPECT_FALSE(chosen(conv(64, 5, 7)));
  EXPECT_FALSE(chosen(conv(64, 64, 3)));
  Desc gated = conv(64, 4, 3);
  gated.epilogue = {step::gate(Function::elu, Function::sigmoid)};
  EXPECT_FALSE(chosen(gated));
  for (const simd::Isa isa :
       {simd::Isa::sse4, simd::Isa::avx2, simd::Isa::avx512, simd::Isa::neon}) {
    EXPECT_TRUE(chosen(conv(64, 3, 7), isa));
  }
  EXPECT_FALSE(chosen(conv(64, 3, 7), simd::Isa::emu128));
}

TEST(FewOutputsPolicy, IgnoresTheBatchAndNamesItsPacking) {
  const Desc desc = conv(64, 3, 7);
  const CpuConfig one = choose(desc, {1, 64, 256, 256}, simd::Isa::avx512);
  EXPECT_EQ(one, choose(desc, {7, 64, 256, 256}, simd::Isa::avx512));
  EXPECT_EQ(one, choose(desc, {1, 64, 256, 256}, simd::Isa::avx512, false));
  EXPECT_EQ(to_string(one), "avx512 few outputs, tile of 8, 2 rows a task");
  EXPECT_EQ(packing(desc, one), "few outputs, vectors of 16");
  EXPECT_EQ(packing(desc, choose(desc, {1, 64, 256, 256}, simd::Isa::avx2)),
            "few outputs, vectors of 8");
  EXPECT_EQ(packed_elements(desc, one), 49 * 64 * 3);
  const Desc odd = conv(17, 3, 3);
  const CpuConfig wide = choose(odd, {1, 17, 64, 64}, simd::Isa::avx512);
  EXPECT_EQ(packed_elements(odd, wide), 9 * 32 * 3);
  EXPECT_EQ(workspace_elements(desc, one, {1, 64, 256, 256}, 2), 0);
}

// What such a kernel can plausibly get wrong must not pass.

TEST(FewOutputsPlantedError, IsRejected) {
  const Fused<Desc> p(conv(20, 3, 3), {1, 20, 40, 40});
  const auto bound = p.operands.bind();
  const CpuConfig config = configure(p.desc, p.input.shape(), Form::few_outputs);
  std::vector<float> packed(static_cast<size_t>(packed_elements(p.desc, config)));
  pack(p.desc, config, {0, p.desc.out_channels}, p.weight, packed);
  const Tensor<float> expected = p.definition();
  const auto agrees = [&](const std::vector<float>& weight, const TensorView<const float>& input) {
    Tensor<float> output(output_shape(p.desc, p.input.shape()));
    cpu(p.desc, config, {input, weight, bound, output.view(), {}}, threads());
    return close(output.view(), expected.view());
  };
  EXPECT_TRUE(agrees(packed, p.input.view()));
  // The last channel of the middle tap of filter 2.
  const int64_t lanes = simd::lanes(config.isa);
  const int64_t vectors = divide_up(20, lanes);
  const int64_t last = ((4 * vectors + 19 / lanes) * 3 + 2) * lanes + 19 % lanes;
  std::vector<float> wrong = packed;
  EXPECT_NE(wrong[static_cast<size_t>(last)], 0.0f);
  wrong[static_cast<size_t>(last)] = 0;
  EXPECT_FALSE(agrees(wrong, p.input.view()));
  // Two filters' vectors exchanged at one tap.
  wrong = packed;
  const auto at = wrong.begin() + 4 * vectors * 3 * lanes;
  std::swap_ranges(at, at + lanes, at + lanes);
  EXPECT_FALSE(agrees(wrong, p.input.view()));
  // One input of the last pixel lost.
  Fused<Desc> other = p;
  other.input.view().at(0, 19, 39, 39) = 0;
  EXPECT_FALSE(agrees(packed, other.input.view()));
}

}  // namespace
}  // namespace kintsugi::conv2d
