// SPDX-License-Identifier: MIT
//
// pool: the contract. The largest or the mean value of a sliding window of each channel, as
// torch.nn.functional.max_pool2d and avg_pool2d:
//
//   max       y[n,c,y,x] = max over r,s of  x[n, c, y*st + r - p, x*st + s - p], the padding left out
//   average   y[n,c,y,x] = sum over r,s of the same / R*S, the padding a zero; or, where it is not
//             counted, / how many of them lie inside
//
// A NaN in a window is its largest value. Windows that fit wholly into the padded picture are taken
// and no others (PyTorch's ceil_mode is not supported), without dilation. `reference` defines the
// result, `cpu` is fast. Neither allocates activations.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/core/call.h"
#include "kernels/core/shape.h"
#include "kernels/core/view.h"
#include "kernels/simd/isa.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::pool {

enum class Mode : uint8_t { max, average };

struct Desc {
  Mode mode = Mode::max;
  Pair kernel = 1;
  Pair stride = 1;   // PyTorch's default is the kernel; here it is said
  Pair padding = 0;  // on each side, at most half of the kernel: no window is all padding
  bool count_include_pad = true;  // of averages: whether the padding's zeros count
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// [N, C, P, Q]; throws Error::mismatch when `input` [N, C, H, W] does not fit the description or
/// leaves no output pixel.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& input);

/// One for each output element and tap, those in the padding included.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& input);

/// Bytes that must move at least once: the input and the output.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes);

/// "pool average 3x3, stride 2, padding 1 not counted"
[[nodiscard]] std::string to_string(const Desc& desc);

/// The part of a window that lies in the picture, on one axis: input coordinates [begin, end).
struct Span {
  int64_t begin = 0, end = 0;
};
[[nodiscard]] Span span(int64_t i, int64_t kernel, int64_t stride, int64_t padding, int64_t in);

template <class T>
struct Args {
  TensorView<const T> input;  // [N, C, H, W]
  TensorView<T> output;       // [N, C, P, Q], not overlapping the input
};

/// The definition: plain loops, sums in double. T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

/// Bits do not depend on the thread count or the batch, and are the reference's for max.
void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::pool
