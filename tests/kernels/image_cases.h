// SPDX-License-Identifier: MIT
//
// Pictures, masks and numbers in buffers of exact size, and descriptions as networks have them: what
// tests of image share, on the host and on the device. Samples between rows are of a value of their
// own, so that a test sees when they change.
#pragma once

#include <algorithm>

#include "kernels/image/image.h"
#include "tests/kernels/support.h"

namespace kintsugi::image {

struct Case {
  const char* name = "";
  ToTensor to_tensor;
  ToPicture to_picture;
  Shape picture;
  Shape tensor;
  bool masked = true;
  int64_t gap = 0;  // samples and mask bytes between rows

  [[nodiscard]] int64_t row_pitch() const { return picture.w() * picture.c() + gap; }
  [[nodiscard]] int64_t mask_pitch() const { return picture.w() + gap; }
};

/// The picture less its mean, and the mask.
inline const ToTensor kCentred{{.from = From::red, .mean = 0.4560f},
                               {.from = From::green, .mean = 0.4472f},
                               {.from = From::blue, .mean = 0.4155f},
                               {.hole = 1}};
/// BGR in [-1, 1], grey in the hole.
inline const ToTensor kSigned{{.from = From::blue, .mean = 0.5f, .scale = 2},
                              {.from = From::green, .mean = 0.5f, .scale = 2},
                              {.from = From::red, .mean = 0.5f, .scale = 2},
                              {.hole = 1}};
/// A channel of ones before the mask: five channels, two groups of 16 bytes in f32.
inline const ToTensor kWithOnes{{.from = From::red, .mean = 0.5f, .scale = 2},
                                {.from = From::green, .mean = 0.5f, .scale = 2},
                                {.from = From::blue, .mean = 0.5f, .scale = 2},
                                {.known = 1, .hole = 1},
                                {.hole = 1}};
/// Three planes of a mask that is 1 where pixels are known, and nothing of the picture.
inline const ToTensor kMask{{.known = 1}, {.known = 1}, {.known = 1}};
/// Each channel by its own deviation, 1 in the hole.
inline const ToTensor kDeviations{
    {.from = From::red, .mean = 0.485f, .scale = 1 / 0.229f, .hole = 1},
    {.from = From::green, .mean = 0.456f, .scale = 1 / 0.224f, .hole = 0.75f},
    {.from = From::blue, .mean = 0.406f, .scale = 1 / 0.225f, .hole = -1}};
inline const ToTensor kEight{{.from = From::green},
                             {.from = From::red, .hole = 0.5f},
                             {.known = -1, .hole = 2},
                             {.from = From::blue, .scale = 3},
                             {.from = From::red, .mean = 1},
                             {.from = From::blue, .mean = 0.25f, .scale = -1},
                             {.known = 7},
                             {.hole = 1}};
inline const ToTensor kGrey{{.from = From::green, .mean = 0.5f, .scale = 2, .hole = 0.125f}};

inline const ToPicture kPlain{};
inline const ToPicture kFromSigned{.rgb = {{{2, 1, 0.5f}, {1, 1, 0.5f}, {0, 1, 0.5f}}},
                                   .rounds = true};
inline const ToPicture kFromDeviations{.rgb = {{{0, 0.485f / 0.229f, 0.229f},
                                                {1, 0.456f / 0.224f, 0.224f},
                                                {2, 0.406f / 0.225f, 0.225f}}}};
inline const ToPicture kOfOne{.rgb = {{{0, 1, 0.5f}, {0, 1, 0.5f}, {0, 1, 0.5f}}}, .rounds = true};

/// Grey and RGB with alpha and without, odd sizes, borders that go on, less than a block and several.
inline std::vector<Case> cases() {
  return {{"centred", kCentred, kPlain, {1, 3, 5, 7}, {1, 4, 8, 8}, true, 0},
          {"centred, alpha", kCentred, kPlain, {2, 4, 17, 19}, {2, 4, 20, 20}, true, 5},
          {"signed, grey", kSigned, kFromSigned, {1, 1, 9, 13}, {1, 4, 9, 13}, true, 3},
          {"signed, grey and alpha", kSigned, kFromSigned, {3, 2, 4, 6}, {3, 4, 7, 6}, false, 0},
          {"ones", kWithOnes, kFromSigned, {1, 3, 3, 1}, {1, 5, 3, 5}, true, 1},
          {"ones, two", kWithOnes, kFromSigned, {2, 4, 11, 12}, {2, 5, 16, 16}, true, 0},
          {"mask", kMask, kPlain, {1, 4, 6, 5}, {1, 3, 8, 8}, true, 2},
          {"deviations", kDeviations, kFromDeviations, {2, 3, 1, 1}, {2, 3, 4, 4}, true, 0},
          {"deviations, no mask",
           kDeviations,
           kFromDeviations,
           {1, 3, 16, 16},
           {1, 3, 16, 16},
           false,
           0},
          {"eight", kEight, kOfOne, {1, 3, 10, 3}, {1, 8, 10, 4}, true, 4},
          {"grey", kGrey, kOfOne, {2, 2, 7, 9}, {2, 1, 8, 12}, true, 0}};
}

/// A picture that owns its samples, from the first to the last, not one more.
template <class S>
struct Pixels {
  Shape shape;
  int64_t row_pitch = 0;
  std::vector<S> samples;

  explicit Pixels(const Case& c, uint32_t seed = 1) : shape(c.picture), row_pitch(c.row_pitch()) {
    const int64_t rows = shape.n() * shape.h();
    samples.resize(static_cast<size_t>((rows - 1) * row_pitch + shape.w() * shape.c()), kBetween);
    std::mt19937 random(seed);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < shape.w() * shape.c(); ++i) {
        samples[static_cast<size_t>(row * row_pitch + i)] = static_cast<S>(random());
      }
    }
  }

  [[nodiscard]] PictureView<S> view() { return {samples.data(), shape, row_pitch}; }
  [[nodiscard]] PictureView<const S> view() const { return {samples.data(), shape, row_pitch}; }

  static constexpr S kBetween = 77;
};

/// About half of the pixels, nonzero bytes of any value; at least one.
inline std::vector<uint8_t> mask_of(const Case& c) {
  std::mt19937 random(3);
  const int64_t rows = c.picture.n() * c.picture.h();
  std::vector<uint8_t> mask(static_cast<size_t>((rows - 1) * c.mask_pitch() + c.picture.w()));
  for (uint8_t& byte : mask)
    byte = random() % 2 == 0 ? 0 : static_cast<uint8_t>(1 + random() % 255);
  mask[0] = 1;
  return mask;
}

inline MaskView view_of_mask(const Case& c, const std::vector<uint8_t>& mask) {
  return c.masked ? MaskView{mask.data(), c.mask_pitch()} : MaskView{};
}

/// How many pixels the mask selects.
inline int64_t filled(const Case& c, const std::vector<uint8_t>& mask) {
  if (!c.masked) return c.picture.pixels();
  int64_t count = 0;
  for (int64_t row = 0; row < c.picture.n() * c.picture.h(); ++row) {
    const auto begin = mask.begin() + static_cast<std::ptrdiff_t>(row * c.mask_pitch());
    count += std::count_if(begin, begin + static_cast<std::ptrdiff_t>(c.picture.w()),
                           [](uint8_t byte) { return byte != 0; });
  }
  return count;
}

/// What a network may make of it: in [-1.5, 1.5).
inline test::Tensor<float> numbers_of(const Case& c, int64_t gap = 0) {
  test::Random random(2);
  test::Tensor<float> out = test::Tensor<float>::random(c.tensor, random, gap);
  out.for_each([](int64_t, int64_t, int64_t, int64_t, float& v) { v *= 1.5f; });
  return out;
}

}  // namespace kintsugi::image
