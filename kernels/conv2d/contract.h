// SPDX-License-Identifier: MIT
//
// The contract of conv2d: what it has of its own beside kernels/implicit_gemm/convolution_contract.h.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/cuda.h"
#include "kernels/implicit_gemm/convolution_contract.h"

namespace kintsugi::conv2d {

using implicit_gemm::bind;

struct Op : implicit_gemm::ConvolutionContract<Op, Desc, CpuConfig> {
  static constexpr std::string_view kName = "conv2d";

  static Reach reach(const Desc& desc, ShapeSpan inputs);
  static bool pays(const Desc& desc, const PrependPrologue& edit, const Target& target);
  static bool absorb(Desc& desc, const Edit& edit, const Target& target);
  static bool loses_a_digit(const Config& config);
  static CpuConfig choose_cpu(const Desc& desc, const Shape& input, const Target& target);
  static void cuda(const Desc& desc, const Config& config, const Call& call,
                   device::Stream& stream);
  static Desc read(ShapeSpan inputs, Fields& fields);
};

}  // namespace kintsugi::conv2d
