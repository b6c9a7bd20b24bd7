// SPDX-License-Identifier: MIT
//
// copy: the contract. Channels of an image, moved and rounded to the type of the output:
//
//   y[n,c,y,x] = x[n, first + c, y, x]
//
// The planner inserts it where a value is needed in another type, or at another place than the one
// that it was computed at; a network records it as a slice, which costs nothing where it can be a
// view. `reference` defines the result, `cpu` is fast. Neither allocates activations.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/core/call.h"
#include "kernels/core/shape.h"
#include "kernels/core/view.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::copy {

/// How the output is stored.
enum class Type : uint8_t {
  same,    // as the input
  kernel,  // in the plan's storage type, whatever the input's
  exact,   // f32, whatever the input's
};

struct Desc {
  int64_t first = 0;
  int64_t channels = 0;  // 0: all from `first` on
  Type type = Type::same;
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// [N, channels, H, W]; throws Error::mismatch where the input has not so many.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& input);

/// Bytes that must move at least once: the output's elements, read and written.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes);

/// "copy channels 64 to 95", "convert to exact"
[[nodiscard]] std::string to_string(const Desc& desc);

template <class From, class To = From>
struct Args {
  TensorView<const From> input;  // [N, C, H, W]
  TensorView<To> output;         // [N, channels, H, W], not overlapping the input
};

/// The definition: element by element. T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

/// The same bits, a pixel at a time.
void cpu(const Desc& desc, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::copy
