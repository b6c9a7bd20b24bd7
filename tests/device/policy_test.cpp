// SPDX-License-Identifier: MIT
//
// Which configurations the policies of CUDA kernels choose, and how weights are packed for them.
#include "kernels/conv2d/cuda.h"
#include "kernels/conv_transpose2d/cuda.h"
#include "kernels/conv_transpose2d/phases.h"
#include "kernels/device/pixel_tiles.h"
#include "kernels/layer_norm/cuda.h"
#include "tests/device/support.h"

namespace kintsugi::conv2d {
namespace {

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

}  // namespace
}  // namespace kintsugi::conv2d

namespace kintsugi::conv_transpose2d {
namespace {

using test::error_of;

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

}  // namespace
}  // namespace kintsugi::conv_transpose2d

namespace kintsugi {
namespace {

const Steps kGated{step::add(Extent::channel), step::gate(Function::elu, Function::sigmoid)};
const Steps kNorm{step::affine(Extent::sample_channel), step::activate(Function::relu)};

TEST(FusedCudaPolicy, GatesStandBehindTheirFeatures) {
  device::DeviceInfo h200;
  h200.multiprocessors = 132;
  const auto choice = [&](int64_t filters, int64_t bytes, implicit_gemm::FloatMath math) {
    const conv2d::Desc desc{.in_channels = 96,
                            .out_channels = filters,
                            .kernel = 3,
                            .dilation = 2,
                            .padding = 2,
                            .epilogue = kGated};
    return choose_cuda(desc, {1, 96, 64, 64}, bytes, math, h200);
  };
  using implicit_gemm::FloatMath;
  EXPECT_EQ(to_string(choice(192, 2, FloatMath::exact)),
            "tensor cores, tile 128x128, gated, depth in 2");
  EXPECT_EQ(to_string(choice(192, 4, FloatMath::exact)), "simt, tile 128x64, gated");
  EXPECT_EQ(choice(10, 2, FloatMath::exact).tile_n, 32);   // 8 features, 8 gates
  EXPECT_EQ(choice(66, 2, FloatMath::exact).tile_n, 128);  // 40 and 40
  implicit_gemm::CudaConfig gated = choice(10, 2, FloatMath::exact);
  implicit_gemm::CudaConfig plain = gated;
  plain.gated = false;
  EXPECT_EQ(packing(gated), packing(plain) + ", gates behind their features");

  const conv2d::Desc desc{.in_channels = 1, .out_channels = 10, .epilogue = kGated};
  const std::vector<float> weight{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  gated.method = implicit_gemm::CudaMethod::simt;
  std::vector<float> packed(static_cast<size_t>(packed_elements(desc, gated, 4)));
  ASSERT_EQ(packed.size(), 32u * 4);
  pack<float>(desc, gated, {0, 10}, weight, packed);
  const std::vector<float> order{1, 2, 3, 4, 6, 7, 8, 9, 5, 0, 0, 0, 10, 0, 0, 0};
  for (size_t i = 0; i < 32; ++i) EXPECT_EQ(packed[4 * i], i < order.size() ? order[i] : 0) << i;
}

TEST(FusedCudaPolicy, StepsOnTheWayInHaveTilesOfTheirOwn) {
  device::DeviceInfo one = device::info();
  one.multiprocessors = 1;
  using implicit_gemm::FloatMath;
  conv2d::Desc conv{.in_channels = 8, .out_channels = 3, .kernel = 3};
  const Shape input{1, 8, 9, 9};
  EXPECT_EQ(choose_cuda(conv, input, 2, FloatMath::exact, one).tile_n, 8);
  conv.prologue = {.upsample = 2};
  EXPECT_EQ(choose_cuda(conv, input, 2, FloatMath::exact, one).tile_n, 8);
  conv.prologue = {.steps = kNorm};
  EXPECT_EQ(choose_cuda(conv, input, 2, FloatMath::exact, one).tile_n, 32);
  conv.out_channels = 128;
  EXPECT_EQ(choose_cuda(conv, input, 2, FloatMath::exact, one).tile_n, 128);
  conv_transpose2d::Desc up{.in_channels = 8, .out_channels = 128, .kernel = 4, .stride = 2};
  EXPECT_EQ(choose_cuda(up, input, 2, FloatMath::exact, one).tile_n, 128);
  up.prologue = conv.prologue;
  EXPECT_EQ(choose_cuda(up, input, 2, FloatMath::exact, one).tile_n, 64);
}

}  // namespace
}  // namespace kintsugi

namespace kintsugi::layer_norm {
namespace {

TEST(LayerNormCudaPolicy, KeepsWhatRegistersHold) {
  EXPECT_EQ(choose_cuda({1, 3, 8, 8}, 4), (CudaConfig{.lanes = 1, .held = 2}));
  EXPECT_EQ(choose_cuda({1, 96, 8, 8}, 2), (CudaConfig{.lanes = 16, .held = 2}));
  EXPECT_EQ(choose_cuda({1, 512, 8, 8}, 2), (CudaConfig{.lanes = 32, .held = 2}));
  EXPECT_EQ(choose_cuda({9, 768, 1, 1}, 4), (CudaConfig{.lanes = 32, .held = 8}));
  EXPECT_EQ(choose_cuda({1, 2048, 8, 8}, 2), (CudaConfig{.lanes = 32, .held = 8}));
  EXPECT_EQ(choose_cuda({1, 2049, 8, 8}, 2), (CudaConfig{.lanes = 32, .held = 0}));
  EXPECT_EQ(to_string({.lanes = 4, .held = 2}), "4 lanes a pixel, 2 groups held");
  EXPECT_EQ(to_string({.lanes = 32, .held = 0}), "32 lanes a pixel, groups read thrice");
}

}  // namespace
}  // namespace kintsugi::layer_norm

namespace kintsugi::device {
namespace {

TEST(PixelTiles, AreManyButNotTooMany) {
  // 64 channels of f16: 8 packs, so 32 rows of threads, and four pixels for each of them.
  const PixelTiles small = pixel_tiles(64 * 64, 8);
  EXPECT_EQ(small.columns, 8u);
  EXPECT_EQ(small.rows, 32u);
  EXPECT_EQ(small.tile_pixels, 128u);
  EXPECT_EQ(small.tiles, 32u);
  const PixelTiles large = pixel_tiles(4096 * 4096, 8);
  EXPECT_EQ(large.tiles, 1024u);
  const PixelTiles wide = pixel_tiles(64 * 64, 100);
  EXPECT_EQ(wide.columns, 32u);
  EXPECT_EQ(wide.column_blocks, 4u);
  EXPECT_EQ(wide.blocks(), 4 * 128);
  const PixelTiles one = pixel_tiles(1, 1);
  EXPECT_EQ(one.tiles, 1u);
  EXPECT_EQ(one.tile_pixels, 1u);
  for (int64_t pixels = 1; pixels < 3000; pixels += 7) {
    const PixelTiles t = pixel_tiles(pixels, 3);
    EXPECT_GE(int64_t{t.tiles} * t.tile_pixels, pixels);
    EXPECT_LT(int64_t{t.tiles - 1} * t.tile_pixels, pixels);
  }
}

}  // namespace
}  // namespace kintsugi::device
