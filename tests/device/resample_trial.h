// SPDX-License-Identifier: MIT
//
// A picture of one storage type at another size, by definition and on the device that the program was
// linked with. What is fed is rounded to the storage type first.
#pragma once

#include "kernels/resample/cuda.h"
#include "tests/device/support.h"

namespace kintsugi::resample {

/// The promised relative L2 error: half a unit in the last place.
template <class T>
constexpr double kTolerance = sizeof(T) == 4           ? 2e-6
                              : std::is_same_v<T, f16> ? 6e-4
                                                       : 4e-3;

using Types = testing::Types<float, f16, bf16>;

struct Case {
  Desc desc;
  Shape input;
};

/// Odd numbers of channels, larger, smaller and the same, from and to a single pixel, in every mode;
/// sizes where nearest and the exact quotient differ.
inline std::vector<Case> odd_cases() {
  std::vector<Case> out;
  for (const Desc& mode : {Desc{}, Desc{.mode = Mode::bilinear},
                           Desc{.mode = Mode::bilinear, .align_corners = true}}) {
    const auto add = [&](Pair size, const Shape& input) {
      Desc desc = mode;
      desc.size = size;
      out.push_back({desc, input});
    };
    add({3, 2}, {2, 1, 1, 1});
    add({1, 1}, {1, 5, 6, 7});
    add({9, 11}, {2, 17, 5, 6});
    add({5, 22}, {1, 3, 13, 26});
    add({46, 3}, {1, 8, 14, 3});
  }
  return out;
}

template <class T>
struct Trial {
  Desc desc;
  test::Tensor<float> input;

  explicit Trial(const Case& c) : Trial(c, test::Random(1)) {}

  [[nodiscard]] test::Tensor<float> reference() const {
    const test::Tensor<double> in = input.template as<double>();
    test::Tensor<double> out(output_shape(desc, input.shape()));
    resample::reference<double>(desc, {in.view(), out.view()}, test::threads());
    return out.template as<float>();
  }

  /// The output, with `gap` groups of 16 bytes between pixels.
  [[nodiscard]] test::DeviceTensor<T> cuda(int64_t gap = 0) const {
    const test::DeviceTensor<T> in(input, gap + 1);
    test::DeviceTensor<T> out(output_shape(desc, input.shape()), gap);
    const auto stream = device::make_stream();
    resample::cuda<T>(desc, {.input = in.view(), .output = out.view()}, *stream);
    device::synchronize(*stream);
    return out;
  }

 private:
  Trial(const Case& c, test::Random random)
      : desc(c.desc), input(test::Tensor<float>::random(c.input, random)) {
    test::round_to<T>(input);
  }
};

}  // namespace kintsugi::resample
