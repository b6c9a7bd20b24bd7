// SPDX-License-Identifier: MIT
//
// to_image: the contract. Turns the output of a network into the samples of an image, grey or RGB:
//
//   sample = clamp((x[n,k,y,x] + shift) * scale, 0, 1) * white, truncated or rounded
//
// A NaN or an infinity makes no sample: the pixel is black, and a second output says where in its row
// the first of them stands, or -1. Arithmetic is in float, step by step as written (kernels/core/sample.h),
// whatever the tensor stores: the bits are the same on every backend. `reference` defines them, `cpu` is
// fast. Neither allocates activations.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "kernels/core/call.h"
#include "kernels/core/sample.h"
#include "kernels/core/shape.h"
#include "kernels/core/view.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::to_image {

/// Where a colour of the image is in the tensor.
struct Source {
  int channel = 0;             // of the first four
  float shift = 0, scale = 1;  // (number + shift) * scale is in [0, 1]

  [[nodiscard]] constexpr float value(float number) const { return (number + shift) * scale; }
  friend bool operator==(const Source&, const Source&) = default;
};

/// A grey image takes the luma of the three, each clamped first.
struct Desc {
  std::array<Source, 3> rgb = {{{.channel = 0}, {.channel = 1}, {.channel = 2}}};
  bool rounds = false;  // to the nearest sample: half of one is added before the clamp
  bool grey = false;
  int bits = 8;  // of a sample, or 16

  /// Half a sample where it rounds. Where nothing is rounded, adding zero changes no sample: of a
  /// clamped zero at most the sign.
  [[nodiscard]] constexpr float half() const {
    return rounds ? 0.5f / static_cast<float>(image::white_of(bits)) : 0.0f;
  }
  friend bool operator==(const Desc&, const Desc&) = default;
};

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// [N, 1 or 3, H, W]; throws Error::mismatch where the tensor has no channel that is asked for.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& tensor);
/// [N, 1, H, 1]
[[nodiscard]] Shape first_bad_shape(const Shape& tensor);

/// Two for each number and one for its sample, and the luma of grey images.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& tensor);

/// Bytes that must move at least once: three numbers and the samples of each pixel.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& tensor, int64_t element_bytes);

/// "to image of 8 bits, rounded"
[[nodiscard]] std::string to_string(const Desc& desc);

/// S is uint8_t or uint16_t.
template <class S, class T>
struct Args {
  TensorView<const T> input;       // [N, K, H, W]
  TensorView<S> image;             // [N, 1 or 3, H, W], aligned to S alone
  TensorView<Exact<T>> first_bad;  // [N, 1, H, 1]: an x, -1 where every number is finite
};

/// The definition, pixel by pixel. T is float or double; the numbers are floats in either.
template <class S, class T>
void reference(const Desc& desc, const Args<S, T>& args, Parallel& parallel);

/// The same bits, a row at a time.
template <class S>
void cpu(const Desc& desc, const Args<S, float>& args, Parallel& parallel);

}  // namespace kintsugi::to_image
