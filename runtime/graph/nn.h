// SPDX-License-Identifier: MIT
//
// nn: the layers of PyTorch, by their names and with their defaults, as functions that record. Each
// takes the scope of its module (whose weights it names), the value it works on and its options;
// each returns the value it recorded. Nothing is computed here.
#pragma once

#include <span>

#include "kernels/core/padding.h"
#include "kernels/core/steps.h"
#include "kernels/partial_mask/partial_mask.h"
#include "kernels/resample/resample.h"
#include "runtime/graph/scope.h"

namespace kintsugi::nn {

using graph::Value;
using kintsugi::PaddingMode;

struct Conv2d {
  int64_t channels = 0;  // out_channels; in_channels are those of the input
  Pair kernel = 1;
  Pair stride = 1;
  Pair padding = 0;
  Pair dilation = 1;
  PaddingMode padding_mode = PaddingMode::zero;
  bool bias = true;
};
/// torch.nn.Conv2d: `weight` [K, C, R, S], `bias` [K].
[[nodiscard]] Value conv2d(const Scope& m, Value x, const Conv2d& options);

struct ConvTranspose2d {
  int64_t channels = 0;
  Pair kernel = 1;
  Pair stride = 1;
  Pair padding = 0;
  Pair output_padding = 0;
  Pair dilation = 1;
  bool bias = true;
};
/// torch.nn.ConvTranspose2d: `weight` [C, K, R, S], `bias` [K].
[[nodiscard]] Value conv_transpose2d(const Scope& m, Value x, const ConvTranspose2d& options);

/// torch.nn.Linear on x [N, C, H, W], flattened as PyTorch does, channels outermost: `weight`
/// [K, C*H*W], `bias` [K]. Returns [N, K, 1, 1].
[[nodiscard]] Value linear(const Scope& m, Value x, int64_t features);

/// torch.nn.BatchNorm2d in eval mode: `weight`, `bias`, `running_mean`, `running_var`, all [C].
[[nodiscard]] Value batch_norm(const Scope& m, Value x, double eps = 1e-5);

/// torch.nn.InstanceNorm2d without running statistics (Ulyanov et al. 2016): each channel of each picture
/// made zero in the mean and one in the deviation; `weight`, `bias` [C] where affine.
[[nodiscard]] Value instance_norm(const Scope& m, Value x, double eps = 1e-5, bool affine = false);
/// torch.nn.GroupNorm (Wu and He 2018): the same over groups of neighbouring channels.
[[nodiscard]] Value group_norm(const Scope& m, Value x, int64_t groups, double eps = 1e-5,
                               bool affine = true);
/// torch.nn.LayerNorm(C) over the channels of each pixel (Ba et al. 2016).
[[nodiscard]] Value layer_norm(const Scope& m, Value x, double eps = 1e-5, bool affine = true);

/// `slope` is leaky_relu's factor below zero.
[[nodiscard]] Value activate(const Scope& m, Value x, Function function, float slope = 0);
[[nodiscard]] inline Value relu(const Scope& m, Value x) { return activate(m, x, Function::relu); }
[[nodiscard]] inline Value leaky_relu(const Scope& m, Value x, float slope) {
  return activate(m, x, Function::leaky_relu, slope);
}
[[nodiscard]] inline Value elu(const Scope& m, Value x) { return activate(m, x, Function::elu); }
[[nodiscard]] inline Value sigmoid(const Scope& m, Value x) {
  return activate(m, x, Function::sigmoid);
}
[[nodiscard]] inline Value tanh(const Scope& m, Value x) { return activate(m, x, Function::tanh); }
[[nodiscard]] inline Value silu(const Scope& m, Value x) { return activate(m, x, Function::silu); }
[[nodiscard]] inline Value gelu(const Scope& m, Value x) { return activate(m, x, Function::gelu); }
[[nodiscard]] inline Value hard_swish(const Scope& m, Value x) {
  return activate(m, x, Function::hard_swish);
}
/// torch.nn.PReLU: `weight` [parameters], one for all channels or one for each.
[[nodiscard]] Value prelu(const Scope& m, Value x, int64_t parameters = 1);
[[nodiscard]] Value clamp(const Scope& m, Value x, float low, float high);

/// Of [N, 2K, H, W] the first half through `feature`, times the second through `gate`: what follows the
/// convolution of gated convolution (Yu et al. 2019). `slope` is that of a leaky relu of the features.
[[nodiscard]] Value gate(const Scope& m, Value x, Function feature, Function gate, float slope = 0);

/// a + b, of one shape.
[[nodiscard]] Value add(const Scope& m, Value a, Value b);
/// a * b; b is of a's shape [N, C, H, W], or [N, C, 1, 1], or [N, 1, H, W].
[[nodiscard]] Value mul(const Scope& m, Value a, Value b);

/// torch.cat(parts, dim=1): images of one size, side by side in their channels. It costs nothing
/// where they can be computed at their place; one that begins as an earlier one does shares its memory.
[[nodiscard]] Value concat(const Scope& m, std::span<const Value> parts);
/// x[:, first:first + channels], a view where its ends are whole groups of 16 bytes.
[[nodiscard]] Value slice(const Scope& m, Value x, int64_t first, int64_t channels);

/// The same amount on all four sides.
[[nodiscard]] Value pad(const Scope& m, Value x, int64_t amount, PaddingMode mode);

struct Interpolate {
  Pair size = 1;  // of the output
  resample::Mode mode = resample::Mode::nearest;
  bool align_corners = false;  // bilinear only
};
/// torch.nn.functional.interpolate to a size.
[[nodiscard]] Value interpolate(const Scope& m, Value x, const Interpolate& options);
/// torch.nn.UpsamplingNearest2d by a whole factor.
[[nodiscard]] Value upsample_nearest(const Scope& m, Value x, int64_t factor);

struct Pool2d {
  Pair kernel = 1;
  Pair stride = 1;  // PyTorch's default is the kernel; here it is said
  Pair padding = 0;
  bool count_include_pad = true;  // of averages
};
/// torch.nn.MaxPool2d, AvgPool2d and AdaptiveAvgPool2d(1).
[[nodiscard]] Value max_pool2d(const Scope& m, Value x, const Pool2d& options);
[[nodiscard]] Value avg_pool2d(const Scope& m, Value x, const Pool2d& options);
[[nodiscard]] Value global_avg_pool2d(const Scope& m, Value x);

struct PartialConv2d {
  int64_t channels = 0;  // out_channels
  Pair kernel = 1;
  Pair stride = 1;
  Pair padding = 0;
  Pair dilation = 1;
  bool bias = true;
  partial_mask::Form form = partial_mask::Form::paper;
};
/// An image and what is known of it.
struct Masked {
  Value x;
  Value mask;  // exact, [N, 1, P, Q]: 1 = known
};
/// Partial convolution (Liu et al. 2018): `weight` [K, C, R, S], `bias` [K]. `mask` is an exact plane
/// [N, 1, H, W], 1 = known: an input, or that of another layer.
[[nodiscard]] Masked partial_conv2d(const Scope& m, Value x, Value mask,
                                    const PartialConv2d& options);

}  // namespace kintsugi::nn
