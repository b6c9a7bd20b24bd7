// SPDX-License-Identifier: MIT
//
// to_tensor: the contract. Turns the samples of an image, and a mask, into the input of a network:
//
//   y[n,k,y,x] = (sample / white - mean_k) * scale_k of the colour that channel k takes, or a number;
//                another number where the mask has a hole
//
// Samples have 8 or 16 bits and are grey or RGB, without alpha. It resizes nothing and blends nothing;
// masks are hard. Arithmetic is in float, step by step as written (kernels/core/sample.h), whatever the
// tensor stores: the bits are the same on every backend. `reference` defines them, `cpu` is fast.
// Neither allocates activations.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "kernels/core/call.h"
#include "kernels/core/sample.h"
#include "kernels/core/shape.h"
#include "kernels/core/view.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::to_tensor {

/// A grey image gives its one sample for red, green and blue.
enum class From : uint8_t { red, green, blue, constant };

/// A channel of the tensor: {.hole = 1} is a mask, {.known = 1, .hole = 1} is all ones.
struct Channel {
  From from = From::constant;
  float mean = 0, scale = 1;  // of a colour in [0, 1]: (colour - mean) * scale
  float known = 0;            // of a constant, outside the hole
  float hole = 0;             // in the hole, for any `from`

  /// Its value at a pixel of these colours in [0, 1].
  [[nodiscard]] constexpr float value(float red, float green, float blue, bool in_hole) const {
    const float colour = from == From::red ? red : from == From::green ? green : blue;
    const float outside = from == From::constant ? known : (colour - mean) * scale;
    return in_hole ? hole : outside;
  }
  friend bool operator==(const Channel&, const Channel&) = default;
};

struct Desc {
  static constexpr int kMaxChannels = 8;

  std::array<Channel, kMaxChannels> channels{};
  int count = 0;
  int bits = 8;         // of a sample, or 16
  bool masked = false;  // whether there is a second input: nonzero is a hole

  Desc() = default;
  /// Throws Error::unsupported for more than eight.
  Desc(std::initializer_list<Channel> list);
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// [N, count, H, W] of an image [N, 1 or 3, H, W]; throws Error::mismatch where it is none.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& image);

/// Samples of a pixel that are needed: 0, 1 or 3.
[[nodiscard]] int64_t samples_read(const Desc& desc, const Shape& image);

/// Three for each colour: a division, a subtraction, a multiplication.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& image);

/// Bytes that must move at least once: samples, the mask, numbers.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& image, int64_t element_bytes);

/// "image of 8 bits with a mask to 4 channels"
[[nodiscard]] std::string to_string(const Desc& desc);

/// S is uint8_t or uint16_t.
template <class S, class T>
struct Args {
  TensorView<const S> image;       // [N, 1 or 3, H, W], aligned to S alone
  TensorView<const uint8_t> mask;  // [N, 1, H, W]; data is nullptr where there is none
  TensorView<T> output;            // [N, count, H, W]
};

/// The definition, pixel by pixel. T is float or double; the numbers are floats in either.
template <class S, class T>
void reference(const Desc& desc, const Args<S, T>& args, Parallel& parallel);

/// The same bits, a row at a time.
template <class S>
void cpu(const Desc& desc, const Args<S, float>& args, Parallel& parallel);

}  // namespace kintsugi::to_tensor
