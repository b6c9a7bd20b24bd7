// SPDX-License-Identifier: MIT
//
// resample: the contract. A picture at another size, as torch.nn.functional.interpolate to that size:
//
//   nearest    y[n,c,y,x] = x[n, c, floor(y * H/P), floor(x * W/Q)], the scales and products in float
//   bilinear   y[n,c,y,x] = the four pixels about (sy, sx) weighted by how near they are, with
//              s = i * (in - 1) / (out - 1) where corners are aligned, else max(0, (i + 1/2) * in/out - 1/2)
//
// Every output pixel gathers what it needs. It is no filter for shrinking: two neighbours are read
// however far apart output pixels lie, as PyTorch does without `antialias`. A scale factor is the
// caller's to turn into a size. `reference` defines the result, `cpu` is fast. Neither allocates
// activations.
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

namespace kintsugi::resample {

enum class Mode : uint8_t { nearest, bilinear };

struct Desc {
  Pair size = 1;  // of the output, positive
  Mode mode = Mode::nearest;
  bool align_corners = false;  // bilinear only
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// [N, C, size]; throws Error::mismatch when `input` does not fit.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& input);

/// None for nearest; for bilinear nine an element: three times two products and a sum.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& input);

/// Bytes that must move at least once: the input and the output.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes);

/// "resample bilinear to 64x48, corners aligned"
[[nodiscard]] std::string to_string(const Desc& desc);

/// Where an output coordinate lies on an axis: `share` of the way from one input coordinate to the
/// next. Bilinear shares are exact fractions, whatever the size: PyTorch computes them in the type of
/// the picture, and is off by the last digit of the coordinate.
struct Place {
  int64_t first = 0, second = 0;
  double share = 0;
};
[[nodiscard]] Place place(const Desc& desc, int64_t i, int64_t in, int64_t out);

template <class T>
struct Args {
  TensorView<const T> input;  // [N, C, H, W]
  TensorView<T> output;       // not overlapping the input
};

/// The definition: element by element, weighted in double. T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

/// Bits do not depend on the thread count or the batch; nearest copies them.
void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::resample
