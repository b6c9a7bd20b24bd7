// SPDX-License-Identifier: MIT
//
// A convolution on random data, and its result by either backend and algorithm.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/simd/tile.h"
#include "tests/kernels/support.h"

namespace kintsugi::conv2d {

using test::OperandSet;
using test::Random;
using test::Tensor;

/// Random inputs of a convolution, and its result by either backend.
struct Problem {
  Desc desc;
  Tensor<float> input;
  std::vector<float> weight;
  OperandSet<float> operands;

  Problem(const Desc& d, const Shape& shape, int64_t gap = 0, uint32_t seed = 1)
      : Problem(d, shape, gap, Random(seed)) {}

  [[nodiscard]] Tensor<float> reference() const {
    Tensor<float> output(output_shape(desc, input.shape()));
    const auto bound = operands.bind();
    conv2d::reference<float>(desc, {input.view(), weight, bound, output.view()}, test::threads());
    return output;
  }

  [[nodiscard]] CpuConfig direct() const {
    return choose(desc, input.shape(), simd::chosen(), false);
  }
  /// Winograd's form whether or not the policy would take it, few tiles a task.
  [[nodiscard]] CpuConfig winograd(int64_t task_tiles = 7) const {
    CpuConfig config = direct();
    config.algorithm = Algorithm::winograd;
    config.tile_pixels = simd::max_tile_pixels(config.isa, config.vectors);
    config.task_tiles = task_tiles;
    return config;
  }

  [[nodiscard]] Tensor<float> cpu(Parallel& parallel = test::threads(), int64_t gap = 0) const {
    return cpu(direct(), parallel, gap);
  }
  /// The scratch is of exact size, and full of NaN like the output.
  [[nodiscard]] Tensor<float> cpu(const CpuConfig& config, Parallel& parallel = test::threads(),
                                  int64_t gap = 0) const {
    std::vector<float> packed(static_cast<size_t>(packed_elements(desc, config)));
    pack(desc, config, {0, desc.weight_shape()[0]}, weight, packed);
    std::vector<float> scratch(
        static_cast<size_t>(workspace_elements(desc, config, input.shape(), parallel.threads())),
        std::numeric_limits<float>::quiet_NaN());
    Tensor<float> output(output_shape(desc, input.shape()), gap);
    const auto bound = operands.bind();
    conv2d::cpu(desc, config, {input.view(), packed, bound, output.view(), std::span(scratch)},
                parallel);
    return output;
  }

 private:
  Problem(const Desc& d, const Shape& shape, int64_t gap, Random random)
      : desc(d),
        input(Tensor<float>::random(shape, random, gap)),
        weight(random.values(d.weight_shape().elements())),
        operands(d.prologue, shape, d.epilogue, output_shape(d, shape), random) {}
};

}  // namespace kintsugi::conv2d
