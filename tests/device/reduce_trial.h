// SPDX-License-Identifier: MIT
//
// A reduction of random data of one storage type, and its result by definition and on the device that
// the program was linked with. What is fed is rounded to the storage type first.
#pragma once

#include "kernels/reduce/cuda.h"
#include "tests/device/support.h"

namespace kintsugi::reduce {

/// The promised relative L2 error: half a unit in the last place, or that of f32 sums.
template <class T>
constexpr double kTolerance = sizeof(T) == 4           ? 2e-6
                              : std::is_same_v<T, f16> ? 6e-4
                                                       : 4e-3;

using Types = testing::Types<float, f16, bf16>;

struct Case {
  Desc desc;
  Shape input;
};

/// Odd numbers of channels, within a lane, a warp and beyond; one tile and several, one column of
/// blocks and several.
inline std::vector<Case> odd_cases() {
  std::vector<Case> out;
  for (const Over over : {Over::pixels, Over::channels}) {
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::max}) {
      for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 3, 25, 47}, Shape{3, 17, 3, 5},
                                 Shape{1, 66, 13, 11}, Shape{1, 265, 6, 7}}) {
        out.push_back({{.reduction = reduction, .over = over}, shape});
      }
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
    const test::Tensor<double> in = input.template as<double>();
    test::Tensor<double> out(output_shape(desc, input.shape()));
    reduce::reference<double>(desc, {.input = in.view(), .output = out.view(), .workspace = {}},
                              test::threads());
    return out.template as<float>();
  }

  /// The output, with `gap` groups of 16 bytes between pixels.
  [[nodiscard]] test::DeviceTensor<T> cuda(int64_t gap = 0) const {
    const test::DeviceTensor<T> in(input, gap);
    test::DeviceTensor<T> out(output_shape(desc, input.shape()), gap);
    const test::DeviceBuffer workspace(scratch(desc, input.shape(), sizeof(T)));
    const auto stream = device::make_stream();
    reduce::cuda<T>(desc, {.input = in.view(), .output = out.view(), .workspace = workspace.data()},
                    *stream);
    device::synchronize(*stream);
    return out;
  }

 private:
  Trial(const Case& c, test::Random random)
      : desc(c.desc), input(test::Tensor<float>::random(c.input, random)) {
    // All below zero: a pad that is taken for a value is the largest.
    input.for_each([&](int64_t, int64_t k, int64_t, int64_t, float& v) {
      if (k < c.input.c()) v -= 1.5f;
    });
    test::round_to<T>(input);
  }
};

}  // namespace kintsugi::reduce
