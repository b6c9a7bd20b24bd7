// SPDX-License-Identifier: MIT
//
// nn: the layers of PyTorch, by their names and with their defaults, as functions that record. Each
// takes the scope of its module (whose weights it names), the value it works on and its options;
// each returns the value it recorded. Nothing is computed here.
#pragma once

#include <source_location>
#include <span>

#include "kernels/core/steps.h"
#include "runtime/graph/scope.h"

namespace kintsugi::nn {

using conv2d::PaddingMode;
using graph::Value;
using Where = std::source_location;

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
[[nodiscard]] Value conv2d(const Scope& m, Value x, const Conv2d& options,
                           Where where = Where::current());

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
[[nodiscard]] Value conv_transpose2d(const Scope& m, Value x, const ConvTranspose2d& options,
                                     Where where = Where::current());

/// torch.nn.Linear on what stands side by side in `parts` [N, C, H, W], each flattened as PyTorch does,
/// channels outermost: `weight` [K, sum of C*H*W], `bias` [K]. Returns [N, K, 1, 1].
[[nodiscard]] Value linear(const Scope& m, std::span<const Value> parts, int64_t features,
                           Where where = Where::current());
[[nodiscard]] inline Value linear(const Scope& m, Value x, int64_t features,
                                  Where where = Where::current()) {
  return linear(m, std::span(&x, 1), features, where);
}

/// torch.nn.BatchNorm2d in eval mode: `weight`, `bias`, `running_mean`, `running_var`, all [C].
[[nodiscard]] Value batch_norm(const Scope& m, Value x, double eps = 1e-5,
                               Where where = Where::current());

[[nodiscard]] Value relu(const Scope& m, Value x, Where where = Where::current());
[[nodiscard]] Value leaky_relu(const Scope& m, Value x, float slope,
                               Where where = Where::current());
[[nodiscard]] Value elu(const Scope& m, Value x, Where where = Where::current());
[[nodiscard]] Value sigmoid(const Scope& m, Value x, Where where = Where::current());
[[nodiscard]] Value tanh(const Scope& m, Value x, Where where = Where::current());
[[nodiscard]] Value silu(const Scope& m, Value x, Where where = Where::current());
[[nodiscard]] Value clamp(const Scope& m, Value x, float low, float high,
                          Where where = Where::current());

/// a + b, of one shape.
[[nodiscard]] Value add(const Scope& m, Value a, Value b, Where where = Where::current());

/// The same amount on all four sides.
[[nodiscard]] Value pad(const Scope& m, Value x, int64_t amount, PaddingMode mode,
                        Where where = Where::current());

}  // namespace kintsugi::nn
