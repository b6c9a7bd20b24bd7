// SPDX-License-Identifier: MIT
//
// conv_transpose2d: the contract. The adjoint of conv2d, as torch.nn.functional.conv_transpose2d:
//
//   y[n,k,y,x] = epilogue( sum over r,s,c of  x[n,c,i,j] * w[c,k,r,s] ),
//                where  i*st + r*d - p == y  and  j*st + s*d - p == x  have a solution
//
// x is the input after the prologue; with the step `gate` 2K filters make K channels.
// Every input pixel is spread over R*S output pixels; seen from the output, each of its st.h*st.w
// phases is a small convolution of its own. Groups are 1. A bias is the epilogue step
// `add channel`. `reference` defines the result, `cpu` is fast. Neither allocates activations.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kernels/core/pack_rows.h"
#include "kernels/core/shape.h"
#include "kernels/core/steps.h"
#include "kernels/implicit_gemm/args.h"
#include "kernels/simd/isa.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::conv_transpose2d {

struct Desc {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  Pair kernel = 1;
  Pair stride = 1;
  Pair dilation = 1;
  Pair padding = 0;         // what the matching conv2d would pad: it cuts the output's border
  Pair output_padding = 0;  // rows and columns added at the end, fewer than the stride or the
                            // dilation; cut off there where negative
  Prologue prologue = {};   // steps alone
  Epilogue epilogue = {};
  bool moments = false;  // `cpu` and CUDA leave those of the output too (accepts_moments)

  /// [C, K, R, S], as PyTorch stores it: inputs first.
  [[nodiscard]] Shape weight_shape() const {
    return {in_channels, out_channels, kernel.h, kernel.w};
  }
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// [N, K, P, Q]; throws Error::mismatch when `input` [N, C, H, W] does not fit the description or
/// leaves no output pixel.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& input);

/// Multiplications and additions; those that the padding cuts off included, steps left out; for moments four an
/// element of the output, which norm then has not.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& input);

/// Bytes that must move at least once: the input, the weights and the output.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes);

/// As conv2d's; nothing enlarges an input here.
[[nodiscard]] bool accepts(const Desc& desc, const Step& step);
[[nodiscard]] bool accepts(const Desc& desc, const Prologue& prologue);

/// Whether the output's moments can be left for norm: by everything but a gate.
[[nodiscard]] bool accepts_moments(const Desc& desc);

/// "conv_transpose2d 4x4 256->128, stride 2, padding 1"
[[nodiscard]] std::string to_string(const Desc& desc);

/// What a call is given (kernels/implicit_gemm/args.h).
using implicit_gemm::Args;

/// The definition: plain loops, double accumulation. T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

// The CPU backend.

/// How the CPU kernel is to run a description; from choose(), pure and printable. The defaults are
/// the plainest there is, which the planner takes when selection is left out.
struct CpuConfig {
  simd::Isa isa = simd::Isa::emu128;
  int64_t vectors = 1;      // vectors of filters in a register tile; a gate takes two
  int64_t tile_pixels = 1;  // pixels of one row of a phase in a register tile, at most
  int64_t task_rows = 1;    // rows of a phase a task computes for one block of channels

  /// Filters in a register tile, and in a packed block.
  [[nodiscard]] int64_t block_channels() const;
  friend bool operator==(const CpuConfig&, const CpuConfig&) = default;
};

/// The configuration for one image of `input`'s height and width; never looks at the batch, the
/// number of threads or free memory.
[[nodiscard]] CpuConfig choose(const Desc& desc, const Shape& input, simd::Isa isa);
[[nodiscard]] std::string to_string(const CpuConfig& config);

/// Names the order of the packed weight, which a gate has a say in: equal names share a copy.
[[nodiscard]] std::string packing(const Desc& desc, const CpuConfig& config);

/// Elements of the packed weight: [K / block][R][S][storage_channels(C)][block], pads zero, filters in
/// the order of kernels/simd/filter_order.h.
[[nodiscard]] int64_t packed_elements(const Desc& desc, const CpuConfig& config);
/// Some rows of the weight's first axis, into zeros.
void pack(const Desc& desc, const CpuConfig& config, const Rows& rows,
          std::span<const float> weight, std::span<float> packed);

/// Elements of scratch that `cpu` needs: a copy of the input when the prologue has steps, else none.
[[nodiscard]] int64_t workspace_elements(const Desc& desc, const CpuConfig& config,
                                         const Shape& input, int threads);

/// Tiles whose moments `cpu` leaves of an image.
[[nodiscard]] int64_t moment_tiles(const Desc& desc, const CpuConfig& config, const Shape& input);

/// `args.weight` is packed for `config`. Bits do not depend on the thread count or the batch.
void cpu(const Desc& desc, const CpuConfig& config, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::conv_transpose2d
