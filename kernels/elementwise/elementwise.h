// SPDX-License-Identifier: MIT
//
// elementwise: the contract. A step list on its own, for steps that no kernel took into its
// epilogue:
//
//   y[n,c,y,x] = steps( x[n,c,y,x] )
//
// With a gate among the steps y has half the channels of x. Without one input and output may be the
// same view. Further tensors enter as operands of the steps, and may be
// that view as well only where a step reads the very element it replaces (extent tensor, same
// pitch). `reference` defines the result, `cpu` is fast. Neither allocates activations.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/core/call.h"
#include "kernels/core/shape.h"
#include "kernels/core/steps.h"
#include "kernels/core/view.h"
#include "kernels/simd/isa.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::elementwise {

struct Desc {
  Steps steps;
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// The input's own shape, after a gate half its channels; throws Error::mismatch when it is not [N, C, H, W] with an element.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& input);

/// One for each step and element, two for an affine, three for each pair of a gate.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& input);

/// Bytes that must move at least once: the input, every operand and the output.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes);

/// Whether `step` can be appended. Every kind and extent is understood, one gate at most.
[[nodiscard]] bool accepts(const Desc& desc, const Step& step);

/// "elementwise: add tensor, relu"
[[nodiscard]] std::string to_string(const Desc& desc);

template <class T>
struct Args {
  TensorView<const T> input;  // [N, C, H, W]
  OperandList operands;       // in step order; on CUDA vectors of channels hold whole groups of 16
                              // bytes of T, those before a gate both halves
  TensorView<T> output;       // the input's view, or not overlapping it
};

/// The definition: plain loops, in double. T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

/// Bits do not depend on the thread count or the batch, and are those of the same steps fused into
/// a convolution's epilogue.
void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::elementwise
