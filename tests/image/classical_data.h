// SPDX-License-Identifier: MIT
//
// Pictures and masks of the classical methods: stored ones, and simple ones.
// It reads tests/data and nothing else. Called by the tests of telea and poisson.
#pragma once

#include <cstring>

#include "runtime/image/mask.h"
#include "runtime/weights/safetensors.h"
#include "tests/image/support.h"

namespace kintsugi::testing {

class ClassicalData {
 public:
  explicit ClassicalData(const char* name)
      : file_(std::filesystem::path(KINTSUGI_TEST_DATA) / name) {}

  /// u8 [H, W] or [H, W, C]
  [[nodiscard]] Image image(const std::string& name) const {
    const auto* tensor = file_.find(name);
    if (tensor == nullptr) throw std::runtime_error("there is no " + name);
    const auto* first = reinterpret_cast<const uint8_t*>(tensor->bytes.data());
    const Shape& shape = tensor->shape;
    return {shape[1],
            shape[0],
            shape.rank() == 3 ? shape[2] : 1,
            {first, first + tensor->bytes.size()}};
  }
  /// Any value but 0 is a hole.
  [[nodiscard]] image::Mask mask(const std::string& name) const {
    Image picture = image(name);
    for (uint8_t& value : picture.pixels) value = value != 0 ? 1 : 0;
    return {picture.height, picture.width, std::move(picture.pixels)};
  }
  /// i64 [2]
  [[nodiscard]] std::array<int64_t, 2> pair(const std::string& name) const {
    std::array<int64_t, 2> values{};
    std::memcpy(values.data(), file_.find(name)->bytes.data(), sizeof(values));
    return values;
  }

 private:
  weights::SafetensorsFile file_;
};

inline Image channel_of(const Image& picture, int64_t channel) {
  Image one = image::black(picture.width, picture.height, 1, picture.bits);
  for (int64_t i = 0; i < picture.width * picture.height; ++i) {
    image::put_sample(
        one, i,
        image::sample_at(picture.pixels.data(), picture.bits, i * picture.channels + channel));
  }
  return one;
}

inline image::Mask box_mask(int64_t width, int64_t height, const image::Box& box) {
  image::Mask mask{height, width, std::vector<uint8_t>(static_cast<size_t>(width * height), 0)};
  for (int64_t y = box.y0; y < box.y1; ++y) {
    for (int64_t x = box.x0; x < box.x1; ++x) mask.holes[static_cast<size_t>(y * width + x)] = 1;
  }
  return mask;
}

/// One pixel of `out_of` + 1 is known.
inline image::Mask random_mask(int64_t width, int64_t height, uint32_t seed, uint32_t out_of) {
  std::mt19937 random(seed);
  image::Mask mask{height, width, {}};
  for (int64_t i = 0; i < width * height; ++i) {
    mask.holes.push_back(random() % (out_of + 1) != 0 ? 1 : 0);
  }
  return mask;
}

}  // namespace kintsugi::testing
