// SPDX-License-Identifier: MIT
//
// reduce: the contract. The mean, the sum or the largest value of a picture's pixels or of a pixel's
// channels, as torch.mean, sum and amax with keepdim:
//
//   over pixels     y[n,c,0,0] = reduction over y,x of  x[n,c,y,x]     (global pooling)
//   over channels   y[n,0,y,x] = reduction over c of    x[n,c,y,x]
//
// A NaN is the largest value of what holds one. Not over the batch, and not over other axes.
// `reference` defines the result, `cpu` is fast. Neither allocates activations.
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

namespace kintsugi::reduce {

enum class Reduction : uint8_t { mean, sum, max };
enum class Over : uint8_t { pixels, channels };

struct Desc {
  Reduction reduction = Reduction::mean;
  Over over = Over::pixels;
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// [N, C, 1, 1] or [N, 1, H, W]; throws Error::mismatch when `input` is not [N, C, H, W] with an
/// element.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& input);

/// One for each element of the input.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& input);

/// Bytes that must move at least once: the input and the output.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes);

/// "reduce mean over pixels"
[[nodiscard]] std::string to_string(const Desc& desc);

template <class T>
struct Args {
  TensorView<const T> input;  // [N, C, H, W]
  TensorView<T> output;       // not overlapping the input
  Workspace workspace = {};   // workspace_elements() or scratch()
};

/// The definition: plain loops, sums in double. T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

/// Elements of scratch that `cpu` needs, whatever the number of threads; 0 over channels.
[[nodiscard]] int64_t workspace_elements(const Desc& desc, const Shape& input);

/// Bits do not depend on the thread count or the batch, and are the reference's for max. A sum is off
/// by at most 68 units of 2^-24 of its terms' magnitudes summed, over channels C/16 + 22; a million
/// random terms by three (tested).
void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::reduce
