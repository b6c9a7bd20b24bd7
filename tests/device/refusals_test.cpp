// SPDX-License-Identifier: MIT
//
// Launches that CUDA kernels refuse: what is beyond their arithmetic, and what does not belong together.
#include "kernels/conv2d/cuda.h"
#include "kernels/conv_transpose2d/cuda.h"
#include "kernels/elementwise/cuda.h"
#include "kernels/layer_norm/cuda.h"
#include "kernels/norm/cuda.h"
#include "kernels/pad/cuda.h"
#include "kernels/partial_mask/cuda.h"
#include "kernels/pool/cuda.h"
#include "kernels/reduce/cuda.h"
#include "kernels/resample/cuda.h"
#include "tests/device/support.h"

namespace kintsugi {
namespace {

using test::error_of;

const Step kGate = step::gate(Function::elu, Function::sigmoid);

}  // namespace

namespace conv2d {

TEST(Conv2dCudaLaunch, WhatIsTooLargeIsRefused) {
  const auto stream = device::make_stream();
  const Desc desc{.in_channels = 8, .out_channels = 8};
  const Shape shape{1, 8, 65536, 65536};
  EXPECT_EQ(error_of([&] {
              cuda<float>(desc, {},
                          {.input = {nullptr, shape, 8},
                           .weight = {},
                           .operands = {},
                           .output = {nullptr, shape, 8}},
                          *stream);
            }),
            "conv2d on CUDA: 4294967296 pixels are beyond its 31 bits");
}

}  // namespace conv2d

namespace conv_transpose2d {

TEST(ConvTranspose2dCudaLaunch, WhatIsTooLargeIsRefused) {
  const auto stream = device::make_stream();
  const Desc desc{.in_channels = 8, .out_channels = 8, .kernel = 2, .stride = 2};
  EXPECT_EQ(error_of([&] {
              cuda<float>(desc, {},
                          {.input = {nullptr, {1, 8, 32768, 32768}, 8},
                           .weight = {},
                           .operands = {},
                           .output = {nullptr, {1, 8, 65536, 65536}, 8}},
                          *stream);
            }),
            "conv_transpose2d on CUDA: 4294967296 pixels are beyond its 31 bits");
}

}  // namespace conv_transpose2d

namespace elementwise {

TEST(ElementwiseCudaLaunch, WhatIsTooLargeIsRefused) {
  const auto stream = device::make_stream();
  const Shape shape{1, 8, 65536, 65536};
  EXPECT_EQ(test::error_of([&] {
              cuda<float>(
                  {{step::activate(Function::silu)}},
                  {.input = {nullptr, shape, 8}, .operands = {}, .output = {nullptr, shape, 8}},
                  *stream);
            }),
            "elementwise on CUDA: 8589934592 groups of 16 bytes are beyond its 31 bits");
}

}  // namespace elementwise

namespace layer_norm {

TEST(LayerNormCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const CudaConfig& config, const Shape& input,
                           const Shape& output, int64_t pitch) {
    return test::error_of([&] {
      cuda<f16>(desc, config, {.input = {nullptr, input, 8}, .output = {nullptr, output, pitch}},
                *stream);
    });
  };
  const CudaConfig one{.lanes = 1, .held = 2};
  const Shape huge{1, 8, 65536, 65536}, small{1, 3, 4, 4};
  EXPECT_EQ(refusal({}, one, huge, huge, 8),
            "layer_norm on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({}, one, small, huge, 8), "layer_norm on CUDA: an output does not fit");
  EXPECT_EQ(refusal({}, one, small, small, 4),
            "layer_norm on CUDA: a pixel does not start at 16 bytes");
  EXPECT_EQ(refusal({.affine = true}, one, small, small, 8),
            "layer_norm on CUDA: weight and bias are given with `affine`, and only then");
  EXPECT_EQ(refusal({}, one, {1, 17, 4, 4}, {1, 17, 4, 4}, 24),
            "layer_norm on CUDA: a configuration is not of this shape");
  EXPECT_EQ(refusal({}, {.lanes = 4, .held = 3}, small, small, 8),
            "layer_norm on CUDA holds no 3 groups");
}

}  // namespace layer_norm

namespace norm {

TEST(NormCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const Shape& input, const Shape& output,
                           int64_t pitch) {
    return test::error_of([&] {
      cuda<f16>(desc,
                {.input = {nullptr, input, 8},
                 .weight = {},
                 .bias = {},
                 .scale = {nullptr, output, pitch},
                 .shift = {nullptr, output, pitch}},
                *stream);
    });
  };
  EXPECT_EQ(refusal({}, {1, 8, 65536, 65536}, {1, 8, 1, 1}, 8),
            "norm on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({}, {1, 3, 2, 2}, {1, 3, 1, 1}, 4),
            "norm on CUDA: an output does not hold whole groups of the input's channels");
  EXPECT_EQ(refusal({}, {1, 3, 2, 2}, {1, 3, 2, 1}, 8), "norm on CUDA: an output does not fit");
  EXPECT_EQ(refusal({}, {1, 3, 2, 2}, {1, 3, 1, 1}, 6),
            "norm on CUDA: a pixel does not start at 16 bytes");
  EXPECT_EQ(refusal({.affine = true}, {1, 3, 2, 2}, {1, 3, 1, 1}, 8),
            "norm on CUDA: weight and bias are given with `affine`, and only then");
}

}  // namespace norm

namespace pad {

TEST(PadCudaLaunch, WhatIsTooLargeIsRefused) {
  const auto stream = device::make_stream();
  const Shape shape{1, 8, 65536, 65536};
  EXPECT_EQ(
      test::error_of([&] {
        cuda<float>({}, {.input = {nullptr, shape, 8}, .output = {nullptr, shape, 8}}, *stream);
      }),
      "pad on CUDA: 8589934592 groups of 16 bytes are beyond its 31 bits");
}

}  // namespace pad

namespace partial_mask {

TEST(PartialMaskCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const Shape& mask, const Shape& second,
                           const Shape& output, int64_t pitch = 4) {
    return test::error_of([&] {
      cuda(
          desc,
          {{TensorView<const float>{nullptr, mask, 4}, TensorView<const float>{nullptr, second, 4}},
           {nullptr, output, pitch},
           {nullptr, output, pitch}},
          *stream);
    });
  };
  const Shape small{1, 1, 4, 4};
  EXPECT_EQ(refusal({}, {1, 1, 65536, 65536}, {}, {1, 1, 65536, 65536}),
            "partial_mask on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({.stride = int64_t{1} << 31}, {1, 1, int64_t{1} << 32, 1}, {}, {1, 1, 2, 1}),
            "partial_mask on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({.kernel = 2, .dilation = int64_t{1} << 31, .padding = int64_t{1} << 30}, small,
                    {}, {1, 1, 4, 4}),
            "partial_mask on CUDA: 2147483652 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({.kernel = 2}, small, {}, {1, 1, 4, 4}),
            "partial_mask on CUDA: a mask or the output does not fit");
  EXPECT_EQ(refusal({.channels = {1, 1}}, small, {1, 1, 4, 5}, {1, 1, 4, 4}),
            "partial_mask on CUDA: a mask or the output does not fit");
  EXPECT_EQ(refusal({}, small, {}, {1, 1, 4, 4}, 3),
            "partial_mask on CUDA: a pixel does not start at 16 bytes");
}

}  // namespace partial_mask

namespace pool {

TEST(PoolCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const Shape& input, const Shape& output,
                           int64_t pitch) {
    return test::error_of([&] {
      cuda<f16>(desc, {.input = {nullptr, input, 8}, .output = {nullptr, output, pitch}}, *stream);
    });
  };
  EXPECT_EQ(refusal({}, {1, 8, 65536, 65536}, {1, 8, 65536, 65536}, 8),
            "pool on CUDA: 4294967296 groups of 16 bytes are beyond its 31 bits");
  EXPECT_EQ(refusal({.stride = int64_t{1} << 31}, {1, 8, int64_t{1} << 32, 1}, {1, 8, 2, 1}, 8),
            "pool on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({.kernel = 2}, {1, 3, 4, 4}, {1, 3, 4, 4}, 8),
            "pool on CUDA: an output does not fit");
  EXPECT_EQ(refusal({.kernel = 2}, {1, 3, 4, 4}, {1, 3, 3, 3}, 4),
            "pool on CUDA: a pixel does not start at 16 bytes");
}

}  // namespace pool

namespace reduce {

TEST(ReduceCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const Shape& input, const Shape& output,
                           int64_t pitch) {
    return test::error_of([&] {
      cuda<f16>(desc, {.input = {nullptr, input, 8}, .output = {nullptr, output, pitch}}, *stream);
    });
  };
  EXPECT_EQ(refusal({}, {1, 8, 65536, 65536}, {1, 8, 1, 1}, 8),
            "reduce on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({.over = Over::channels}, {1, 8, 65536, 65536}, {1, 1, 65536, 65536}, 8),
            "reduce on CUDA: 4294967296 pixels are beyond its 31 bits");
  EXPECT_EQ(refusal({}, {1, 3, 4, 4}, {1, 3, 4, 4}, 8), "reduce on CUDA: an output does not fit");
  EXPECT_EQ(refusal({}, {1, 3, 4, 4}, {1, 3, 1, 1}, 4),
            "reduce on CUDA: a pixel does not start at 16 bytes");
  EXPECT_EQ(refusal({}, {1, 3, 400, 400}, {1, 3, 1, 1}, 8),
            "reduce on CUDA: a picture of several tiles needs a workspace");
}

}  // namespace reduce

namespace resample {

TEST(ResampleCudaLaunch, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const Desc& desc, const Shape& input, const Shape& output,
                           int64_t pitch) {
    return test::error_of([&] {
      cuda<f16>(desc, {.input = {nullptr, input, 8}, .output = {nullptr, output, pitch}}, *stream);
    });
  };
  EXPECT_EQ(refusal({.size = 65536}, {1, 8, 2, 2}, {1, 8, 65536, 65536}, 8),
            "resample on CUDA: 4294967296 groups of 16 bytes are beyond its 31 bits");
  EXPECT_EQ(refusal({.size = {1, 65536}}, {1, 8, 1, 65536}, {1, 8, 1, 65536}, 8),
            "resample on CUDA: from 65536 to 65536 is beyond its 32 bits");
  EXPECT_EQ(refusal({.size = 4}, {1, 3, 2, 2}, {1, 3, 4, 5}, 8),
            "resample on CUDA: an output does not fit");
  EXPECT_EQ(refusal({.size = 4}, {1, 3, 2, 2}, {1, 3, 4, 4}, 4),
            "resample on CUDA: a pixel does not start at 16 bytes");
}

}  // namespace resample

TEST(MomentsCudaLaunch, WhatDoesNotBelongTogetherIsRefused) {
  const auto stream = device::make_stream();
  const auto leave = [&](const conv2d::Desc& desc, bool gated, const MomentsView<float>& moments) {
    return error_of([&] {
      conv2d::cuda<f16>(desc,
                        {.method = conv2d::CudaMethod::tensor_core, .tile_n = 32, .gated = gated},
                        {.input = {nullptr, {1, 8, 16, 16}, 8},
                         .weight = {},
                         .operands = {},
                         .output = {nullptr, {1, 8, 16, 16}, 8},
                         .moments = moments},
                        *stream);
    });
  };
  std::vector<float> memory(2 * 20 + 4);
  float* at = memory.data();
  while (reinterpret_cast<uintptr_t>(at) % 16 != 0) ++at;
  const conv2d::Desc plain{.in_channels = 8, .out_channels = 8};
  conv2d::Desc wanted = plain;
  wanted.moments = true;
  const char* const both =
      "conv2d on CUDA: moments are left where the description wants them, and only there";
  EXPECT_EQ(leave(plain, false, {at, 2, 8}), both);
  EXPECT_EQ(leave(wanted, false, {}), both);
  const char* const fit = "conv2d on CUDA: moments do not fit the output";
  EXPECT_EQ(leave(wanted, false, {at, 1, 8}), fit);
  EXPECT_EQ(leave(wanted, false, {at, 2, 4}), fit);
  EXPECT_EQ(leave(wanted, false, {at + 1, 2, 8}), fit);
  conv2d::Desc gated{.in_channels = 8,
                     .out_channels = 16,
                     .epilogue = {step::gate({}, Function::sigmoid)},
                     .moments = true};
  EXPECT_FALSE(accepts_moments(gated));
  EXPECT_EQ(leave(gated, true, {at, 2, 8}), "conv2d on CUDA: what was gated leaves no moments");

  const auto gather = [&](const norm::Desc& desc, const MomentsView<const float>& moments) {
    return error_of([&] {
      norm::cuda<f16>(desc,
                      {.input = {nullptr, {1, 3, 2, 2}, 8},
                       .scale = {nullptr, {1, 3, 1, 1}, 8},
                       .shift = {nullptr, {1, 3, 1, 1}, 8},
                       .moments = moments},
                      *stream);
    });
  };
  const char* const only = "norm on CUDA: moments are given with `moments_of`, and only then";
  EXPECT_EQ(gather({.moments_of = 3}, {}), only);
  EXPECT_EQ(gather({}, {at, 1, 8}), only);
  EXPECT_EQ(gather({.moments_of = 3}, {at, 1, 2}), "norm on CUDA: moments do not fit the input");
  EXPECT_EQ(gather({.moments_of = 3}, {at, 1, 6}), "norm on CUDA: moments do not fit the input");
  EXPECT_EQ(gather({.moments_of = 3}, {at, 0, 4}), "norm on CUDA: moments do not fit the input");
}

TEST(FusedCudaLaunch, WhatWasChosenForOtherStepsIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const conv2d::Desc& desc, const conv2d::CudaConfig& config) {
    const Shape input{1, 8, 2, 2};
    return error_of([&] {
      conv2d::cuda<f16>(desc, config,
                        {.input = {nullptr, input, 8},
                         .weight = {},
                         .operands = {},
                         .output = {nullptr, output_shape(desc, input), 8}},
                        *stream);
    });
  };
  using implicit_gemm::CudaMethod;
  EXPECT_EQ(refusal({.in_channels = 8,
                     .out_channels = 8,
                     .prologue = {.steps = {step::activate(Function::relu)}}},
                    {.method = CudaMethod::tensor_core, .tile_n = 8}),
            "conv2d on CUDA has no tile of 8 for prologue steps");
  const conv2d::Desc gated{.in_channels = 8, .out_channels = 16, .epilogue = {kGate}};
  EXPECT_EQ(refusal(gated, {.method = CudaMethod::tensor_core, .tile_n = 32}),
            "conv2d on CUDA: weights were packed for another epilogue");
  EXPECT_EQ(refusal(gated, {.method = CudaMethod::tensor_core, .tile_n = 16, .gated = true}),
            "conv2d on CUDA: a block has no room for gates");
}

}  // namespace kintsugi
