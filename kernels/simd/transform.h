// SPDX-License-Identifier: MIT
//
// A step list over a whole picture: what the op elementwise is, and what stands in front of a
// convolution whose engine cannot apply its prologue on the way.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/core/steps.h"
#include "kernels/core/view.h"
#include "kernels/simd/isa.h"
#include "kernels/simd/parallel.h"

namespace kintsugi::simd {

/// output = steps(input), both [N, C, H, W] or, with a gate, the input of twice the channels. Without one
/// they may be the same view. Bits depend neither on threads nor on the batch, and are those of the
/// same steps fused into a convolution.
void transform(Isa isa, const Steps& steps, Operands operands, const TensorView<const float>& input,
               const TensorView<float>& output, Parallel& parallel);

/// Elements of a copy of `input` for transform_copy.
[[nodiscard]] inline int64_t copy_elements(const Shape& input) {
  return checked_multiply(input.pixels(), storage_channels(input.c()));
}
/// The same into such a copy; throws Error::internal where `workspace` has no room for it.
[[nodiscard]] TensorView<const float> transform_copy(Isa isa, const Steps& steps, Operands operands,
                                                     const TensorView<const float>& input,
                                                     std::span<float> workspace,
                                                     Parallel& parallel);

}  // namespace kintsugi::simd
