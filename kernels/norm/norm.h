// SPDX-License-Identifier: MIT
//
// norm: the contract. What instance, group and layer norm (Ulyanov et al. 2016, Wu and He 2018, Ba et
// al. 2016) know of a batch item, as two values [N, C, 1, 1]:
//
//   scale[n,c] = weight[c] / sqrt(variance(n, group of c) + eps)
//   shift[n,c] = bias[c] - mean(n, group of c) * scale[n,c]
//
// A group is C / groups neighbouring channels with all their pixels; its variance is the biased one.
// To apply the norm is the step `affine sample_channel`, whose operands are the two: this op reads the
// image once and writes nothing of its size. As torch.nn.InstanceNorm2d without
// running statistics (groups = C), GroupNorm (groups), and GroupNorm(1), which is layer norm over
// C, H, W. The layer norm of a single pixel's channels is layer_norm. `reference` defines the result,
// `cpu` is fast. Neither allocates activations.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kernels/core/call.h"
#include "kernels/core/moments.h"
#include "kernels/core/shape.h"
#include "kernels/core/view.h"
#include "kernels/simd/isa.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::norm {

struct Desc {
  int64_t groups = 1;   // divides the channels
  double eps = 1e-5;    // not negative; with zero a constant group has an infinite scale
  bool affine = false;  // whether weight and bias are read; else one and zero
  /// Above zero: what stored the input has left moments of so many channels, which `cpu` and CUDA read
  /// instead.
  int64_t moments_of = 0;
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// Of both results, [N, C, 1, 1]; throws Error::mismatch when `input` [N, C, H, W] does not fit the description.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& input);

/// Four an element: its part of the mean, its difference, the square and its part of their sum. None of
/// elements that are not read.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& input);

/// Bytes that must move at least once: the input where it is read, the result, weight and bias in f32.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes);

/// "norm_stats, groups 32, eps 1e-05, affine"
[[nodiscard]] std::string to_string(const Desc& desc);

template <class T>
struct Args {
  TensorView<const T> input;               // [N, C, H, W]; without data where moments are given
  std::span<const Exact<T>> weight, bias;  // [C] each where affine
  TensorView<Exact<T>> scale,
      shift;                 // [N, C, 1, 1]; a pixel holds whole groups of 16 bytes of T, widened
  Workspace workspace = {};  // workspace_elements() or scratch()
  MomentsView<const float> moments = {};  // of the input, where they were left
};

/// The definition: the mean, then the squares about it, in double. T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

/// Elements of scratch that `cpu` needs, whatever the number of threads; none with given moments.
[[nodiscard]] int64_t workspace_elements(const Desc& desc, const Shape& input);

/// Bits do not depend on the thread count or the batch.
void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::norm
