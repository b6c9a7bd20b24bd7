// SPDX-License-Identifier: MIT
//
// conv_transpose2d on CUDA against its definition: on the emulator everywhere, on a GPU where there is
// one; and the arithmetic of its phases against the taps that the definition gathers.
#include "kernels/conv_transpose2d/phases.h"
#include "tests/device/conv_transpose2d_trial.h"

namespace kintsugi::conv_transpose2d {
namespace {

using namespace test;

class ConvTranspose2dCuda : public testing::TestWithParam<Type> {};

TEST_P(ConvTranspose2dCuda, AgreesWithItsDefinition) {
  const Type type = GetParam();
  for (const Case& c : small_cases()) {
    SCOPED_TRACE(c.name);
    with_storage(type, [&]<class T>(T) {
      const Trial<T> trial(c.desc, c.input, type);
      EXPECT_TRUE(close(trial.cuda(1).values.view(), trial.reference().view(), tolerance(type)));
    });
  }
}

TEST_P(ConvTranspose2dCuda, SplitDepthsAgreeAndLeaveTheirTicketsForTheNextLaunch) {
  const Type type = GetParam();
  for (const Case& c : pipelined(type)) {
    SCOPED_TRACE(c.name);
    with_storage(type, [&]<class T>(T) {
      const Trial<T> trial(c.desc, c.input, type, 40);
      ASSERT_GT(trial.config.splits, 1);
      const auto once = trial.cuda();
      EXPECT_TRUE(close(once.values.view(), trial.reference().view(), tolerance(type)));
      EXPECT_TRUE(same_bytes(trial.cuda(0, 3).bits, once.bits));
    });
  }
}

TEST_P(ConvTranspose2dCuda, EveryStepOfAnEpilogueReadsWhereItsPixelStands) {
  const Type type = GetParam();
  const std::vector<Step> steps = every_step();
  // Four at a time, in the order they stand in.
  for (size_t first = 0; first < steps.size(); first += 4) {
    Epilogue epilogue;
    for (size_t i = first; i < std::min(first + 4, steps.size()); ++i) epilogue.append(steps[i]);
    SCOPED_TRACE(kintsugi::to_string(epilogue));
    with_storage(type, [&]<class T>(T) {
      const Trial<T> run({.in_channels = 9,
                          .out_channels = 21,
                          .kernel = 4,
                          .stride = 2,
                          .padding = 1,
                          .epilogue = epilogue},
                         {2, 9, 3, 5}, type);
      EXPECT_TRUE(close(run.cuda(1).values.view(), run.reference().view(), tolerance(type)));
    });
  }
}

TEST_P(ConvTranspose2dCuda, ASampleOfABatchHasTheBitsItHasAlone) {
  const Type type = GetParam();
  with_storage(type, [&]<class T>(T) {
    const Desc desc{.in_channels = 136, .out_channels = 12, .kernel = 4, .stride = 2, .padding = 1};
    const Trial<T> batch(desc, {3, 136, 5, 6}, type, 8);
    const auto all = batch.cuda();
    Trial<T> one(desc, {1, 136, 5, 6}, type, 8);
    EXPECT_EQ(one.config, batch.config);
    EXPECT_GT(one.config.splits, 1);
    one.weight = batch.weight;
    for (int64_t n = 0; n < 3; ++n) {
      one.input.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
        v = batch.input.view().at(n, c, y, x);
      });
      const auto alone = one.cuda();
      const size_t count = alone.bits.size();
      EXPECT_EQ(std::memcmp(alone.bits.data(), &all.bits[static_cast<size_t>(n) * count],
                            count * sizeof(T)),
                0)
          << n;
    }
  });
}

TEST_P(ConvTranspose2dCuda, AWrongTapOfOnePhaseIsSeen) {
  const Type type = GetParam();
  const Case c = pipelined(type)[0];
  with_storage(type, [&]<class T>(T) {
    Trial<T> run(c.desc, c.input, type);
    const Tensor<float> right = run.reference();
    EXPECT_TRUE(close(run.cuda().values.view(), right.view(), tolerance(type)));
    // Two taps of one phase change places, in one filter.
    const Shape shape = c.desc.weight_shape();
    for (int64_t channel = 0; channel < shape[0]; ++channel) {
      float* taps = &run.weight[static_cast<size_t>(channel * shape[1] * shape[2] * shape[3])];
      std::swap(taps[0], taps[2]);
    }
    EXPECT_FALSE(close(run.cuda().values.view(), right.view(), tolerance(type)));
  });
}

INSTANTIATE_TEST_SUITE_P(Types, ConvTranspose2dCuda, testing::ValuesIn(kTypes),
                         [](const auto& type) { return std::string(name_of(type.param)); });

TEST(ConvTranspose2dPhases, HaveTheTapsThatMeetThem) {
  for (const int64_t stride : {1, 2, 3, 4, 5, 6}) {
    for (const int64_t dilation : {1, 2, 3, 4, 6, 7}) {
      for (const int64_t kernel : {1, 2, 3, 4, 7}) {
        for (const int64_t padding : {0, 1, 2, 5}) {
          const int64_t extent = 17;
          const Axis axis = axis_of(extent, kernel, stride, dilation, padding);
          for (int phase = 0; phase < phases(axis); ++phase) {
            // What meets output `phase`, by the formula, were there no end to the input.
            std::vector<std::pair<int64_t, int64_t>> expected, got;
            for (int64_t r = 0; r < kernel; ++r) {
              const int64_t i = phase + padding - r * dilation;
              if (i % stride == 0) expected.emplace_back(r, i / stride);
            }
            const PhaseTaps taps = taps_of(axis, phase);
            for (int t = 0; t < taps.count; ++t) {
              got.emplace_back(taps.first + t * axis.apart, taps.source - t * axis.back);
            }
            EXPECT_EQ(got, expected) << kernel << " taps, stride " << stride << ", dilation "
                                     << dilation << ", padding " << padding << ", phase " << phase;
          }
        }
      }
    }
  }
}

TEST(ConvTranspose2dCudaPolicy, SeesOnePictureAndSplitsTheDeepestPhase) {
  device::DeviceInfo h200;
  h200.multiprocessors = 132;
  const Desc up{.in_channels = 256, .out_channels = 128, .kernel = 4, .stride = 2, .padding = 1};
  const auto told = [&](const Desc& desc, const Shape& input, int64_t bytes, FloatMath math) {
    return to_string(choose_cuda(desc, input, bytes, math, h200));
  };
  EXPECT_EQ(told(up, {1, 256, 64, 64}, 2, FloatMath::exact), "tensor cores, tile 128x128");
  EXPECT_EQ(told(up, {1, 256, 64, 64}, 4, FloatMath::tf32), "tensor cores, tile 128x128");
  EXPECT_EQ(told(up, {1, 256, 64, 64}, 4, FloatMath::exact), "simt, tile 128x64");
  // 32 blocks, and 32 stages of depth, a part of which fills the pipeline twice.
  EXPECT_EQ(told(up, {1, 256, 32, 32}, 2, FloatMath::exact),
            "tensor cores, tile 128x128, depth in 4");
  EXPECT_EQ(told(up, {16, 256, 32, 32}, 2, FloatMath::exact),
            "tensor cores, tile 128x128, depth in 4");
  Desc last = up;
  last.out_channels = 3;
  EXPECT_EQ(told(last, {1, 256, 128, 128}, 2, FloatMath::exact), "tensor cores, tile 128x8");
}

TEST(ConvTranspose2dCudaPolicy, AStrideBeyondTheArithmeticIsRefusedWhenPlanned) {
  EXPECT_EQ(error_of([] {
              static_cast<void>(choose_cuda({.in_channels = 8, .out_channels = 8, .stride = 65536},
                                            {1, 8, 2, 2}, 2, FloatMath::exact, {}));
            }),
            "conv_transpose2d on CUDA: 4294967296 pairs of phases are beyond its 31 bits");
}

TEST(ConvTranspose2dCudaLaunch, WhatIsTooLargeIsRefused) {
  const auto stream = device::make_stream();
  const Desc desc{.in_channels = 8, .out_channels = 8, .kernel = 2, .stride = 2};
  EXPECT_EQ(error_of([&] {
              cuda<float>(desc, {},
                          {.input = {nullptr, {1, 8, 32768, 32768}, 8},
                           .weight = nullptr,
                           .operands = {},
                           .output = {nullptr, {1, 8, 65536, 65536}, 8},
                           .tickets = nullptr,
                           .partial = nullptr},
                          *stream);
            }),
            "conv_transpose2d on CUDA: 4294967296 pixels are beyond its 31 bits");
}

}  // namespace
}  // namespace kintsugi::conv_transpose2d
