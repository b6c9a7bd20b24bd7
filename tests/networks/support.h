// SPDX-License-Identifier: MIT
//
// What the tests of GLCIC share: the eight-channel network of tests/data (README.md there says what
// made it), random pictures and masks, and the error that something throws.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kintsugi/kintsugi.hpp"
#include "runtime/weights/safetensors.h"

namespace kintsugi::test {

inline const std::filesystem::path kData = KINTSUGI_TEST_DATA;

inline Model model() { return Model::open(kData / "glcic_ch8.safetensors"); }

inline Tensors input_of(const Tensors& reference) {
  return {{"input", reference.at("input/input")}};
}

inline const Tensors& reference() {
  static const Tensors tensors = read_tensors(kData / "glcic_ch8_ref.safetensors");
  return tensors;
}

inline double relative_l2(const Tensor& a, const Tensor& b) {
  if (!(a.shape == b.shape)) return INFINITY;
  double difference = 0;
  double norm = 0;
  for (size_t i = 0; i < a.values.size(); ++i) {
    difference += std::pow(double(a.values[i]) - double(b.values[i]), 2);
    norm += std::pow(double(b.values[i]), 2);
  }
  return std::sqrt(difference / norm);
}

inline Tensor random_input(int64_t batch, int64_t height, int64_t width) {
  std::mt19937 engine(7);
  std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
  Tensor tensor{{batch, 4, height, width}, {}};
  tensor.values.resize(static_cast<size_t>(tensor.shape.elements()));
  for (float& value : tensor.values) value = uniform(engine);
  return tensor;
}

inline Image random_picture(int64_t width, int64_t height, int64_t channels) {
  std::mt19937 engine(11);
  Image image{width, height, channels, {}};
  image.pixels.resize(static_cast<size_t>(width * height * channels));
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(engine() & 255);
  return image;
}

/// A grey picture, white inside [x0, x1) x [y0, y1).
inline Image box_mask(int64_t width, int64_t height, int64_t x0, int64_t y0, int64_t x1,
                      int64_t y1) {
  Image mask{width, height, 1, std::vector<uint8_t>(static_cast<size_t>(width * height))};
  for (int64_t y = y0; y < y1; ++y) {
    for (int64_t x = x0; x < x1; ++x) mask.pixels[static_cast<size_t>(y * width + x)] = 255;
  }
  return mask;
}

template <class F>
Error error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorCode::internal, ""};
}

}  // namespace kintsugi::test
