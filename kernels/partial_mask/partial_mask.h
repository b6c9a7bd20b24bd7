// SPDX-License-Identifier: MIT
//
// partial_mask: the contract. The mask's side of a partial convolution (Liu et al. 2018). Of each
// window of the convolution it says how much is known, as two values [N, 1, P, Q]:
//
//   S(y,x)        = sum over the planes i of  channels_i * sum over r,s of  m_i[n, 0, y*st + r*d - p,
//                   x*st + s*d - p], the padding a hole
//   ratio[n,0,y,x] = paper: R*S' / (S + eps) * clamp(S, 0, 1)     naoto: 1 / S
//   valid[n,0,y,x] = paper: clamp(S, 0, 1)                        naoto: 1
//
// R*S' is the number of the window's entries, kernel times all channels. Where nothing is known, S = 0
// (paper: not above zero), both are zero. "paper" is the layer of the authors and of MMEditing, "naoto"
// that of naoto0804's port, whose filters are larger by that number.
//
// The convolution itself is a conv2d of the picture times its mask with the epilogue `mul pixel(ratio),
// add channel(bias), mul pixel(valid)`; without a bias the last step is left out. The ratio is above
// one along the borders. A mask is a plane, 1 = known: that of a concatenation is as many planes as
// were joined, each counted as often as its part has channels (the decoder: an upsampled mask and a
// skip's). Masks are f32 on every device and whatever the network's storage. All sums of a binary mask
// are integers and exact: output_shape() refuses windows of more than 2^24 entries. `reference` defines
// the result, `cpu` is fast. Neither allocates activations.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "kernels/core/call.h"
#include "kernels/core/shape.h"
#include "kernels/core/view.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::partial_mask {

enum class Form : uint8_t { paper, naoto };

struct Desc {
  Pair kernel = 1;
  Pair stride = 1;
  Pair dilation = 1;
  Pair padding = 0;                       // on each side
  std::array<int64_t, 2> channels{1, 0};  // that each plane stands for; no second plane where zero
  Form form = Form::paper;
  double eps = 1e-8;  // of the paper's form; not negative

  [[nodiscard]] int planes() const { return channels[1] == 0 ? 1 : 2; }
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// Of both results, [N, 1, P, Q]; throws Error::mismatch when `mask` [N, 1, H, W], the shape of every plane, does not
/// fit the description or leaves no output pixel, Error::unsupported for windows beyond 2^24 entries.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& mask);

/// kernel.h * kernel.w * all channels.
[[nodiscard]] int64_t window_entries(const Desc& desc);

/// One for each output pixel, tap and plane, taps in the padding included.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& mask);

/// Bytes that must move at least once: the planes and the result, in f32 whatever the last argument.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& mask, int64_t element_bytes);

/// "partial_mask paper 3x3 512+256, stride 1, padding 1"
[[nodiscard]] std::string to_string(const Desc& desc);

template <class T>
struct Args {
  std::array<TensorView<const T>, 2> masks;  // [N, 1, H, W] each; nothing but its channel is read
  TensorView<T> ratio, valid;                // [N, 1, P, Q] each, not overlapping the masks
};

/// The definition: plain loops, S in double, rounded once; then the form's own arithmetic in T, as the
/// layers have it (an eps of 1e-8 beside an integer is nothing in f32). T is float or double.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

/// Bits do not depend on the thread count or the batch, and are the reference's for binary masks.
void cpu(const Desc& desc, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::partial_mask
