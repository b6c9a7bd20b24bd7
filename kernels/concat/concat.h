// SPDX-License-Identifier: MIT
//
// concat: the contract. Images of one size side by side in their channels, as torch.cat(.., dim=1):
//
//   y[n,c,y,x] = x_i[n, c - (channels of x_0 .. x_i-1), y, x]
//
// The planner computes its inputs in place where it can, and then there is no call. `reference` defines
// the result, `cpu` is fast. Neither allocates activations.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/call.h"
#include "kernels/core/shape.h"
#include "kernels/core/view.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::concat {

struct Desc {
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// [N, sum of C, H, W]; throws Error::mismatch for no input, or different sizes.
[[nodiscard]] Shape output_shape(const Desc& desc, std::span<const Shape> inputs);

/// Bytes that must move at least once: the output's elements, read and written.
[[nodiscard]] int64_t bytes(const Desc& desc, std::span<const Shape> inputs, int64_t element_bytes);

template <class T>
struct Args {
  std::vector<TensorView<const T>> inputs;
  TensorView<T> output;  // not overlapping an input
};

/// The definition: element by element. T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

/// The same bits, a pixel of an input at a time.
void cpu(const Desc& desc, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::concat
