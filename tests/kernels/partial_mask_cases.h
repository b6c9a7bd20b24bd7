// SPDX-License-Identifier: MIT
//
// Masks and the windows over them, for tests of every backend: borders of every kind, one plane and two,
// binary and fractional, nothing known and all.
#pragma once

#include <array>
#include <vector>

#include "kernels/partial_mask/partial_mask.h"
#include "tests/kernels/support.h"

namespace kintsugi::partial_mask {

enum class Fill : uint8_t { binary, fractional, holes, known };

struct Case {
  Desc desc;
  Shape mask;
  Fill fill = Fill::binary;

  /// Sums are integers: no rounding to allow for.
  [[nodiscard]] bool exact() const { return fill != Fill::fractional; }
  [[nodiscard]] std::string name() const {
    return to_string(desc) + " of " + mask.to_string() + ", fill " +
           std::to_string(static_cast<int>(fill));
  }
};

inline std::vector<Case> odd_cases() {
  std::vector<Case> out;
  for (const Form form : {Form::paper, Form::naoto}) {
    const auto add = [&](Desc desc, const Shape& mask, Fill fill) {
      desc.form = form;
      out.push_back({desc, mask, fill});
    };
    add({}, {1, 1, 1, 1}, Fill::binary);
    add({.kernel = 3, .padding = 1, .channels = {64, 0}}, {2, 1, 17, 19}, Fill::binary);
    add({.kernel = 3, .padding = 1, .channels = {64, 3}}, {2, 1, 9, 5}, Fill::binary);
    add({.kernel = 7, .stride = 2, .padding = 3, .channels = {3, 0}}, {1, 1, 13, 18}, Fill::binary);
    add({.kernel = {2, 5}, .stride = {3, 1}, .dilation = {2, 3}, .padding = {1, 7}}, {3, 1, 8, 9},
        Fill::fractional);
    add({.kernel = 3, .dilation = 2, .padding = 2, .channels = {5, 2}}, {1, 1, 6, 7},
        Fill::fractional);
    add({.kernel = 3, .stride = 2, .padding = 1, .channels = {512, 512}}, {1, 1, 5, 6},
        Fill::holes);
    add({.kernel = 5, .stride = 2, .padding = 2, .channels = {64, 0}}, {1, 1, 10, 9}, Fill::known);
    // Windows that lie in the padding alone; strides that leave pixels out.
    add({.kernel = 2, .stride = {2, 5}, .padding = 6}, {1, 1, 3, 2}, Fill::known);
  }
  return out;
}

/// Its planes; of a binary mask a third of the pixels are known, in no order.
inline std::array<test::Tensor<float>, 2> masks_of(const Case& c, int64_t gap = 0) {
  test::Random random(3);
  std::array<test::Tensor<float>, 2> masks;
  for (test::Tensor<float>& mask : masks) {
    mask = test::Tensor<float>(c.mask, gap);
    mask.for_each([&](int64_t, int64_t channel, int64_t, int64_t, float& v) {
      const float number = random.value();
      // No pad is zero: none may be read.
      if (channel > 0) return;
      switch (c.fill) {
        case Fill::binary: v = number > 0.3f ? 1.0f : 0.0f; break;
        case Fill::fractional: v = number > 0.3f ? number : 0.0f; break;
        case Fill::holes: v = 0; break;
        case Fill::known: v = 1; break;
      }
    });
  }
  return masks;
}

/// What the definition gives in T: float for its bits, double for its value.
template <class T>
test::Tensor<T> by_definition(const Desc& desc, const std::array<test::Tensor<float>, 2>& masks) {
  const std::array<test::Tensor<T>, 2> in{masks[0].template as<T>(), masks[1].template as<T>()};
  test::Tensor<T> out(output_shape(desc, in[0].shape()));
  reference<T>(desc, {{in[0].view(), in[1].view()}, out.view()}, test::threads());
  return out;
}

}  // namespace kintsugi::partial_mask
