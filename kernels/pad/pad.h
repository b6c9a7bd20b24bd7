// SPDX-License-Identifier: MIT
//
// pad: the contract. Rows and columns added around a picture, as torch.nn.functional.pad:
//
//   y[n,c,y,x] = x[n, c, y - top, x - left], beyond the border zero or the picture's reflection
//
// A convolution pads by itself: this is for borders that it cannot, such as an uneven one.
// `reference` defines the result, `cpu` is fast. Neither allocates activations.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/core/call.h"
#include "kernels/core/padding.h"
#include "kernels/core/shape.h"
#include "kernels/core/view.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::pad {

struct Desc {
  int64_t top = 0, bottom = 0, left = 0, right = 0;  // not negative; below the extent to reflect
  PaddingMode mode = PaddingMode::zero;
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// [N, C, H + top + bottom, W + left + right]; throws Error::mismatch when `input` does not fit.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& input);

/// None: values are copied.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& input);

/// Bytes that must move at least once: the input and the output.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes);

/// "pad reflect, top 0, bottom 1, left 0, right 1"
[[nodiscard]] std::string to_string(const Desc& desc);

template <class T>
struct Args {
  TensorView<const T> input;  // [N, C, H, W]
  TensorView<T> output;       // not overlapping the input
};

/// The definition: element by element. T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

/// The same bits, a pixel or a row at a time.
void cpu(const Desc& desc, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::pad
