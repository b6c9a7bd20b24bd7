// SPDX-License-Identifier: MIT
//
// conv2d on CUDA against its definition: on the emulator everywhere, on a GPU where there is one.
#include "tests/device/conv2d_trial.h"

namespace kintsugi::conv2d {
namespace {

using namespace test;

class Conv2dCuda : public testing::TestWithParam<Type> {};

TEST_P(Conv2dCuda, AgreesWithItsDefinition) {
  const Type type = GetParam();
  for (const Case& c : small_cases()) {
    SCOPED_TRACE(c.name);
    with_storage(type, [&]<class T>(T) {
      const Trial<T> trial(c.desc, c.input, type);
      EXPECT_TRUE(close(trial.cuda(1).values.view(), trial.reference().view(), tolerance(type)));
    });
  }
}

TEST_P(Conv2dCuda, SplitDepthsAgreeAndLeaveTheirTicketsForTheNextLaunch) {
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

TEST_P(Conv2dCuda, EveryStepOfAnEpilogue) {
  const Type type = GetParam();
  const std::vector<Step> steps = every_step();
  // Four at a time, in the order they stand in.
  for (size_t first = 0; first < steps.size(); first += 4) {
    Epilogue epilogue;
    for (size_t i = first; i < std::min(first + 4, steps.size()); ++i) epilogue.append(steps[i]);
    SCOPED_TRACE(kintsugi::to_string(epilogue));
    with_storage(type, [&]<class T>(T) {
      const Trial<T> run(
          {.in_channels = 9, .out_channels = 21, .kernel = 3, .padding = 1, .epilogue = epilogue},
          {2, 9, 6, 11}, type);
      EXPECT_TRUE(close(run.cuda(1).values.view(), run.reference().view(), tolerance(type)));
    });
  }
}

TEST_P(Conv2dCuda, ASampleOfABatchHasTheBitsItHasAlone) {
  const Type type = GetParam();
  with_storage(type, [&]<class T>(T) {
    const Desc desc{.in_channels = 48, .out_channels = 40, .kernel = 3, .padding = 1};
    const Trial<T> batch(desc, {3, 48, 9, 13}, type, 8);
    const auto all = batch.cuda();
    Trial<T> one(desc, {1, 48, 9, 13}, type, 8);
    EXPECT_EQ(one.config, batch.config);
    for (int64_t n = 0; n < 3; ++n) {
      one.weight = batch.weight;
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

TEST_P(Conv2dCuda, AMissingTapOrAMissingStepOfTheDepthIsSeen) {
  const Type type = GetParam();
  const Case c = pipelined(type)[0];
  with_storage(type, [&]<class T>(T) {
    Trial<T> run(c.desc, c.input, type);
    const Tensor<float> right = run.reference();
    const std::vector<float> weight = run.weight;
    run.weight.back() = 0;  // one product at a corner of the last filter
    run.weight[run.weight.size() - 9] = 0;
    EXPECT_GT(difference(run.cuda().values.view(), right.view()).relative_l2, tolerance(type));
    run.weight = weight;
    run.desc.padding_mode = PaddingMode::reflect;  // border taps read something else
    EXPECT_GT(difference(run.cuda().values.view(), right.view()).relative_l2, tolerance(type));
  });
}

INSTANTIATE_TEST_SUITE_P(Types, Conv2dCuda, testing::ValuesIn(kTypes),
                         [](const auto& type) { return std::string(name_of(type.param)); });

TEST(Conv2dCudaPolicy, SeesOnePictureAndSplitsSmallOnes) {
  device::DeviceInfo h200;
  h200.multiprocessors = 132;
  const Desc body{.in_channels = 256, .out_channels = 256, .kernel = 3, .padding = 1};
  const auto told = [&](const Desc& desc, const Shape& input, int64_t bytes, FloatMath math) {
    return to_string(choose_cuda(desc, input, bytes, math, h200));
  };
  EXPECT_EQ(told(body, {1, 256, 128, 128}, 2, FloatMath::exact), "tensor cores, tile 128x128");
  EXPECT_EQ(told(body, {1, 256, 64, 64}, 2, FloatMath::exact),
            "tensor cores, tile 128x128, depth in 2");
  EXPECT_EQ(told(body, {16, 256, 64, 64}, 2, FloatMath::exact),
            "tensor cores, tile 128x128, depth in 2");
  EXPECT_EQ(told(body, {1, 256, 128, 128}, 4, FloatMath::tf32), "tensor cores, tile 128x128");
  EXPECT_EQ(told(body, {1, 256, 128, 128}, 4, FloatMath::exact), "simt, tile 128x64");
  Desc narrow = body;
  narrow.out_channels = 3;
  EXPECT_EQ(told(narrow, {1, 256, 512, 512}, 2, FloatMath::exact), "tensor cores, tile 128x8");
  narrow.out_channels = 9;
  EXPECT_EQ(told(narrow, {1, 256, 512, 512}, 2, FloatMath::exact), "tensor cores, tile 128x16");
  narrow.out_channels = 17;
  EXPECT_EQ(told(narrow, {1, 256, 512, 512}, 4, FloatMath::tf32), "tensor cores, tile 128x32");
  narrow.out_channels = 33;
  EXPECT_EQ(told(narrow, {1, 256, 512, 512}, 2, FloatMath::exact), "tensor cores, tile 128x64");
  // A shallow one is not split, however small: a part would not fill the pipeline twice.
  EXPECT_EQ(told({.in_channels = 64, .out_channels = 64}, {1, 64, 8, 8}, 2, FloatMath::exact),
            "tensor cores, tile 128x64");
}

TEST(Conv2dCudaPolicy, AWeightIsSharedWhereItsBytesAreTheSame) {
  const CudaConfig exact{.method = CudaMethod::simt, .tile_n = 64, .splits = 1};
  const CudaConfig split{.method = CudaMethod::simt, .tile_n = 64, .splits = 4};
  const CudaConfig rounded{.method = CudaMethod::tensor_core, .tile_n = 64, .splits = 1};
  const CudaConfig wide{.method = CudaMethod::tensor_core, .tile_n = 128, .splits = 1};
  EXPECT_EQ(packing(exact), packing(split));
  EXPECT_NE(packing(exact), packing(rounded));
  EXPECT_NE(packing(rounded), packing(wide));
}

TEST(Conv2dCudaLaunch, WhatIsTooLargeIsRefused) {
  const auto stream = device::make_stream();
  const Desc desc{.in_channels = 8, .out_channels = 8};
  const Shape shape{1, 8, 65536, 65536};
  EXPECT_EQ(error_of([&] {
              cuda<float>(desc, {},
                          {.input = {nullptr, shape, 8},
                           .weight = nullptr,
                           .operands = {},
                           .output = {nullptr, shape, 8},
                           .tickets = nullptr,
                           .partial = nullptr},
                          *stream);
            }),
            "conv2d on CUDA: 4294967296 pixels are beyond its 31 bits");
}

}  // namespace
}  // namespace kintsugi::conv2d
