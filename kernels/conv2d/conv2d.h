// SPDX-License-Identifier: MIT
//
// conv2d: the contract. Correlation of an image with K filters, as torch.nn.functional.conv2d:
//
//   y[n,k,y,x] = epilogue( sum over r,s,c of  x'[n, c, y*st + r*d - p, x*st + s*d - p] *
//   w[k,c,r,s] )
//
// x' is the input after the prologue. Any kernel, stride and dilation; padding by zeros or by
// reflection (the border pixel is not repeated). Groups are 1. A bias is the epilogue step `add
// channel`; with the step `gate` 2K filters make K channels. Whoever wants a convolution
// describes it (Desc), asks for the output's shape, binds memory (Args) and calls a backend:
// `reference` defines the result, `cpu` is fast. Neither allocates activations.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kernels/core/pack_rows.h"
#include "kernels/core/padding.h"
#include "kernels/core/shape.h"
#include "kernels/core/steps.h"
#include "kernels/implicit_gemm/args.h"
#include "kernels/simd/isa.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::conv2d {

using kintsugi::PaddingMode;

struct Desc {
  int64_t in_channels = 0;
  int64_t out_channels = 0;  // filters: even, and twice the output's channels, with a gate
  Pair kernel = 1;
  Pair stride = 1;
  Pair dilation = 1;
  Pair padding = 0;  // on each side, below the image's extent when reflecting
  PaddingMode padding_mode = PaddingMode::zero;
  Prologue prologue = {};
  Epilogue epilogue = {};
  bool moments = false;  // `cpu` and CUDA leave those of the output too (accepts_moments)

  /// [K, C, R, S], as PyTorch stores it.
  [[nodiscard]] Shape weight_shape() const {
    return {out_channels, in_channels, kernel.h, kernel.w};
  }
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// [N, K, P, Q]; throws Error::mismatch when `input` [N, C, H, W] does not fit the description or
/// leaves no output pixel.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& input);

/// Multiplications and additions, taps in the padding included, steps left out; for moments four an
/// element of the output, which norm then has not.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& input);

/// Bytes that must move at least once: the input, the weights and the output, `size` bytes each.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes);

/// Whether the kernels can append `step` to the epilogue. Every kind and extent is understood; in front
/// of a gate, of which there is one at most, scalars and channel vectors.
[[nodiscard]] bool accepts(const Desc& desc, const Step& step);
/// Whether the kernels can apply `prologue` before the description's own: all but a gate, and one
/// enlargement, by 2. Where that pays is Op::absorb's affair.
[[nodiscard]] bool accepts(const Desc& desc, const Prologue& prologue);

/// Whether the output's moments can be left for norm: by everything but a gate.
[[nodiscard]] bool accepts_moments(const Desc& desc);

/// "conv2d 3x3 256->256, stride 1, dilation 4, padding 4 zero"
[[nodiscard]] std::string to_string(const Desc& desc);

/// What a call is given (kernels/implicit_gemm/args.h).
using implicit_gemm::Args;

/// The definition: plain loops, double accumulation. T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

// The CPU backend.

enum class Algorithm : uint8_t {
  direct,       // a sum over taps
  winograd,     // F(4x4, 3x3): a quarter of the multiplications, a digit less exact (winograd.h)
  few_outputs,  // a sum over taps for at most 4 filters: vectors of input channels, not of filters
};

/// How the CPU kernel is to run a description; from choose(), pure and printable. The defaults are
/// the plainest there is, which the planner takes when selection is left out.
struct CpuConfig {
  Algorithm algorithm = Algorithm::direct;  // `direct` below speaks for few_outputs as well
  simd::Isa isa = simd::Isa::emu128;
  int64_t vectors = 1;      // vectors of filters in a register tile; a gate takes two when direct
                            // (few_outputs: 1, whose tile holds all filters)
  int64_t tile_pixels = 1;  // pixels in a register tile, at most; of one row when direct
  int64_t task_rows = 1;    // direct: output rows a task computes for one block of channels
  int64_t task_tiles = 0;   // winograd: 4x4 tiles a task computes, at most

  /// Filters in a register tile, and in a packed block; not for few_outputs.
  [[nodiscard]] int64_t block_channels() const;
  friend bool operator==(const CpuConfig&, const CpuConfig&) = default;
};

/// The configuration for one image of `input`'s height and width; never looks at the batch, the
/// number of threads or free memory. Without `allow_winograd` it is any other: for who has not the
/// memory or needs the last digit.
[[nodiscard]] CpuConfig choose(const Desc& desc, const Shape& input, simd::Isa isa,
                               bool allow_winograd = true);
[[nodiscard]] std::string to_string(const CpuConfig& config);

/// Names the order of the packed weight, which a gate has a say in: equal names share a copy.
[[nodiscard]] std::string packing(const Desc& desc, const CpuConfig& config);

/// Elements of the packed weight, pads zero: [K / block][R][S][storage_channels(C)][block] direct (in
/// the order of kernels/simd/filter_order.h), [36][K / block][storage_channels(C)][block] for Winograd,
/// [R][S][C / lanes][K][lanes] for few outputs.
[[nodiscard]] int64_t packed_elements(const Desc& desc, const CpuConfig& config);
/// Some rows of the weight's first axis, into zeros.
void pack(const Desc& desc, const CpuConfig& config, const Rows& rows,
          std::span<const float> weight, std::span<float> packed);

/// Elements of scratch that `cpu` needs to run on `threads` threads. Winograd's with less runs on as many
/// as there is scratch for, at least one; the other forms need a copy of the input when the prologue
/// has steps, else none.
[[nodiscard]] int64_t workspace_elements(const Desc& desc, const CpuConfig& config,
                                         const Shape& input, int threads);

/// Tiles whose moments `cpu` leaves of an image.
[[nodiscard]] int64_t moment_tiles(const Desc& desc, const CpuConfig& config, const Shape& input);

/// `args.weight` is packed for `config`. Bits do not depend on the thread count or the batch.
void cpu(const Desc& desc, const CpuConfig& config, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::conv2d
