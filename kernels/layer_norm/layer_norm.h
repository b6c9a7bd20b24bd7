// SPDX-License-Identifier: MIT
//
// layer_norm: the contract. Each pixel's channels (a token's features) made zero in the mean and one in
// the deviation, as torch.nn.LayerNorm(C) over the last axis of [.., C] (Ba et al. 2016):
//
//   y[n,c,y,x] = (x[n,c,y,x] - mean over c) / sqrt(variance over c + eps) * weight[c] + bias[c]
//
// The variance is the biased one. A norm over pixels as well is `norm`, whose statistics are values of
// their own; here each pixel has its own two, and they are used at once. `reference` defines the
// result, `cpu` is fast. Neither allocates activations.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kernels/core/call.h"
#include "kernels/core/shape.h"
#include "kernels/core/view.h"
#include "kernels/simd/isa.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::layer_norm {

struct Desc {
  double eps = 1e-5;    // not negative
  bool affine = false;  // whether weight and bias are read; else one and zero
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// The input's own shape; throws Error::mismatch when it is not [N, C, H, W] with an element.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& input);

/// Six an element, eight with weight and bias.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& input);

/// Bytes that must move at least once: the input and the output; weight and bias in f32.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes);

/// "layer_norm, eps 1e-05, affine"
[[nodiscard]] std::string to_string(const Desc& desc);

template <class T>
struct Args {
  TensorView<const T> input;               // [N, C, H, W]
  std::span<const Exact<T>> weight, bias;  // where affine: [C] in whole granules
  TensorView<T> output;                    // [N, C, H, W]; the input's view, or not overlapping it
};

/// The definition: the mean, then the squares about it, in double. T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

/// Bits do not depend on the thread count or the batch.
void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::layer_norm
