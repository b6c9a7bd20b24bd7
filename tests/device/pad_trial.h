// SPDX-License-Identifier: MIT
//
// A padded picture of random values of one storage type, by definition and on the device that the
// program was linked with.
#pragma once

#include "kernels/pad/cuda.h"
#include "tests/device/support.h"

namespace kintsugi::pad {

using Types = testing::Types<float, f16, bf16>;

struct Case {
  Desc desc;
  Shape input;
};

/// Odd numbers of channels, uneven borders, the widest reflection, pictures of one and of many blocks.
inline std::vector<Case> cases() {
  std::vector<Case> out;
  for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
    for (const int64_t channels : {1, 3, 8, 37}) {
      out.push_back(
          {{.top = 1, .bottom = 2, .left = 3, .right = 0, .mode = mode}, {2, channels, 3, 4}});
      out.push_back({{.right = 1, .mode = mode}, {1, channels, 1, 2}});
      out.push_back(
          {{.top = 4, .bottom = 4, .left = 4, .right = 4, .mode = mode}, {1, channels, 5, 5}});
      out.push_back({{.mode = mode}, {3, channels, 2, 2}});
      out.push_back({{.bottom = 1, .left = 2, .mode = mode}, {2, channels, 11, 13}});
    }
  }
  return out;
}

template <class T>
struct Trial {
  Desc desc;
  test::Tensor<float> input;

  explicit Trial(const Case& c) : Trial(c, test::Random(1)) {}

  [[nodiscard]] test::Tensor<float> reference() const {
    test::Tensor<float> out(output_shape(desc, input.shape()));
    pad::reference<float>(desc, {input.view(), out.view()}, test::threads());
    return out;
  }

  /// The output, with `gap` groups of 16 bytes between pixels.
  [[nodiscard]] test::DeviceTensor<T> cuda(int64_t gap = 0) const {
    const test::DeviceTensor<T> in(input, gap + 1);
    test::DeviceTensor<T> out(output_shape(desc, input.shape()), gap);
    const auto stream = device::make_stream();
    pad::cuda<T>(desc, {.input = in.view(), .output = out.view()}, *stream);
    device::synchronize(*stream);
    return out;
  }

 private:
  Trial(const Case& c, test::Random random)
      : desc(c.desc), input(test::Tensor<float>::random(c.input, random)) {
    test::round_to<T>(input);
  }
};

}  // namespace kintsugi::pad
