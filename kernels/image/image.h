// SPDX-License-Identifier: MIT
//
// image: the contract. What a picture's samples are to a network, and back, so that neither end of a
// run needs another pass over the pixels. Two conversions:
//
//   to_tensor   t[n,k,y,x] = (sample / white - mean_k) * scale_k of the colour that channel k takes, or
//               a number; another one where the mask has a hole. Below and right of the picture its
//               last row and column go on.
//   to_picture  sample = clamp((t[n,k,y,x] + shift) * scale, 0, 1) * white, truncated or rounded, in the
//               pixels that the mask selects; all others, alpha and what lies outside stay.
//
// Samples are of 8 or 16 bits, grey or RGB, with alpha or without. A view of a part of a picture is as
// good as one of a whole. It scales nothing and blends nothing; masks are hard. Arithmetic is in float,
// step by step as written (sample.h), whatever the tensor stores: the bits are the same on every
// backend. `reference` defines them; `cpu` is for the host. Neither allocates activations.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <type_traits>
#include <variant>

#include "kernels/core/shape.h"
#include "kernels/core/view.h"
#include "kernels/image/sample.h"
#include "kernels/simd/parallel.h"

namespace kintsugi::image {

/// S is uint8_t or uint16_t.
template <class S>
constexpr int32_t kWhite = std::numeric_limits<S>::max();

template <class S>
struct PictureView {
  S* data = nullptr;
  Shape shape;            // [N, C, H, W]; C = 1 to 4: grey or RGB, alpha after it
  int64_t row_pitch = 0;  // samples from one row to the next, at least W * C

  /// A picture begins one row after the last of the one before.
  [[nodiscard]] S* pixel(int64_t n, int64_t y, int64_t x) const {
    return data + (n * shape.h() + y) * row_pitch + x * shape.c();
  }
  template <class U>  // NOLINT: a reader's view of a writer's is always fine
  operator PictureView<const U>() const requires(std::is_same_v<U, S>) {
    return {data, shape, row_pitch};
  }
};

/// Of the same N, H and W as the picture: nonzero is a hole, one to be filled.
struct MaskView {
  const uint8_t* data = nullptr;  // nullptr: no pixel is known to be a hole, every pixel is filled
  int64_t row_pitch = 0;          // at least W

  [[nodiscard]] const uint8_t* row(int64_t rows_before) const {
    return data == nullptr ? nullptr : data + rows_before * row_pitch;
  }
};

/// Grey pictures have their one sample for all colours.
enum class From : uint8_t { red, green, blue, constant };

/// A channel of the tensor: {.hole = 1} is a mask, {.known = 1, .hole = 1} is all ones.
struct Channel {
  From from = From::constant;
  float mean = 0, scale = 1;  // of a colour in [0, 1]: (colour - mean) * scale
  float known = 0;            // of a constant, outside the hole
  float hole = 0;             // in the hole, whatever it is from
  friend bool operator==(const Channel&, const Channel&) = default;
};

struct ToTensor {
  static constexpr int kMaxChannels = 8;

  std::array<Channel, kMaxChannels> channels{};
  int count = 0;

  ToTensor() = default;
  /// Throws Error::unsupported for more than eight.
  ToTensor(std::initializer_list<Channel> list);
  friend bool operator==(const ToTensor&, const ToTensor&) = default;
};

/// Where a colour of the picture is in the tensor.
struct Source {
  int channel = 0;             // of the first four
  float shift = 0, scale = 1;  // (value + shift) * scale is in [0, 1]
  friend bool operator==(const Source&, const Source&) = default;
};

/// A grey picture takes the luma of the three, each clamped first.
struct ToPicture {
  std::array<Source, 3> rgb = {{{.channel = 0}, {.channel = 1}, {.channel = 2}}};
  bool rounds = false;  // to the nearest sample: half of one is added before the clamp
  friend bool operator==(const ToPicture&, const ToPicture&) = default;
};

/// Throws Error::mismatch when a picture [N, C, H, W] and a tensor [N, K, P, Q] do not fit: N is the
/// same, K the number of channels, P and Q at least H and W.
void check(const ToTensor& desc, const Shape& picture, const Shape& tensor);
void check(const ToPicture& desc, const Shape& tensor, const Shape& picture);

/// How many of a picture's samples a pixel of the tensor needs: 0, 1 or 3.
[[nodiscard]] int64_t samples_read(const ToTensor& desc, const Shape& picture);

/// Of colours that are not holes: a quotient, a difference, a product.
[[nodiscard]] int64_t flops(const ToTensor& desc, const Shape& picture, const Shape& tensor);
/// If every pixel is filled: two for a number, one for its sample, the luma of grey pictures.
[[nodiscard]] int64_t flops(const ToPicture& desc, const Shape& tensor, const Shape& picture);

/// Bytes that must move at least once: samples, the mask, numbers.
[[nodiscard]] int64_t bytes(const ToTensor& desc, const Shape& picture, const Shape& tensor,
                            int64_t sample_bytes, int64_t element_bytes);
/// If every pixel is filled.
[[nodiscard]] int64_t bytes(const ToPicture& desc, const Shape& tensor, const Shape& picture,
                            int64_t sample_bytes, int64_t element_bytes);

/// "picture to tensor of 4 channels", "tensor to picture, rounded"
[[nodiscard]] std::string to_string(const ToTensor& desc);
[[nodiscard]] std::string to_string(const ToPicture& desc);

template <class S, class T>
struct ToTensorArgs {
  PictureView<const S> picture;
  MaskView mask;
  TensorView<T> output;  // [N, K, P, Q]
};

/// Where no number was bad.
constexpr int64_t kNoPixel = std::numeric_limits<int64_t>::max();

/// A NaN or an infinity makes no sample: a pixel that has one among the numbers it is filled from stays
/// as it is, and `first_bad` is lowered to its index, (n * H + y) * W + x. The caller sets kNoPixel
/// before, looks after, and must not show a picture that is not whole.
template <class S, class T>
struct ToPictureArgs {
  TensorView<const T> input;  // [N, K, P, Q]
  MaskView mask;
  PictureView<S> picture;
  int64_t* first_bad = nullptr;
};

/// A picture to make a tensor of, or to put one into, of whichever samples.
struct PictureIn {
  ToTensor desc;
  std::variant<PictureView<const uint8_t>, PictureView<const uint16_t>> picture;
  MaskView mask;
};
struct PictureOut {
  ToPicture desc;
  std::variant<PictureView<uint8_t>, PictureView<uint16_t>> picture;
  MaskView mask;
};

/// The definition, pixel by pixel. T is float or double; the numbers are floats in either.
template <class S, class T>
void reference(const ToTensor& desc, const ToTensorArgs<S, T>& args, Parallel& parallel);
template <class S, class T>
void reference(const ToPicture& desc, const ToPictureArgs<S, T>& args, Parallel& parallel);

/// The same bits, a row at a time.
template <class S>
void cpu(const ToTensor& desc, const ToTensorArgs<S, float>& args, Parallel& parallel);
template <class S>
void cpu(const ToPicture& desc, const ToPictureArgs<S, float>& args, Parallel& parallel);

}  // namespace kintsugi::image
