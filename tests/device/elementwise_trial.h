// SPDX-License-Identifier: MIT
//
// A step list on random data of one storage type, and its result by definition and on the device that
// the program was linked with. What is fed is rounded to the storage type first.
#pragma once

#include "kernels/elementwise/cuda.h"
#include "tests/device/support.h"

namespace kintsugi::elementwise {

/// The promised relative L2 error: half a unit in the last place, or ex2's.
template <class T>
constexpr double kTolerance = sizeof(T) == 4           ? 2e-6
                              : std::is_same_v<T, f16> ? 6e-4
                                                       : 4e-3;

using Types = testing::Types<float, f16, bf16>;

inline Desc add_silu() { return {{step::add(Extent::tensor), step::activate(Function::silu)}}; }

/// Odd numbers of channels, and a picture that is no multiple of a block; less than one group.
inline std::vector<Shape> odd_shapes() {
  return {{1, 1, 1, 1}, {2, 3, 5, 7}, {1, 17, 9, 13}, {3, 8, 1, 43}, {2, 66, 11, 3}};
}

template <class T>
struct Trial {
  Desc desc;
  test::Tensor<float> input;
  test::DeviceOperands<T> operands;

  Trial(const Desc& d, const Shape& shape) : Trial(d, shape, test::Random(1)) {}

  [[nodiscard]] test::Tensor<float> reference() const {
    const test::Tensor<double> in = input.template as<double>();
    test::Tensor<double> out(output_shape(desc, input.shape()));
    const auto bound = operands.on_host();
    elementwise::reference<double>(desc, {in.view(), bound, out.view()}, test::threads());
    return out.template as<float>();
  }

  /// The output, with `gap` groups of 16 bytes between pixels.
  [[nodiscard]] test::DeviceTensor<T> cuda(int64_t gap = 0) const {
    const test::DeviceTensor<T> in(input, gap + 1);
    test::DeviceTensor<T> out(output_shape(desc, input.shape()), gap);
    const auto stream = device::make_stream();
    elementwise::cuda<T>(
        desc, {.input = in.view(), .operands = operands.on_device(), .output = out.view()},
        *stream);
    device::synchronize(*stream);
    return out;
  }

 private:
  Trial(const Desc& d, const Shape& shape, test::Random random)
      : desc(d),
        input(test::Tensor<float>::random(shape, random)),
        operands(d.steps, output_shape(d, shape), random) {
    test::round_to<T>(input);
  }
};

}  // namespace kintsugi::elementwise
