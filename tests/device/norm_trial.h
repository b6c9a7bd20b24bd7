// SPDX-License-Identifier: MIT
//
// A norm on random data of one storage type, and its result by definition and on the device that the
// program was linked with. What is fed is rounded to the storage type first.
#pragma once

#include "kernels/elementwise/cuda.h"
#include "kernels/norm/cuda.h"
#include "tests/device/support.h"

namespace kintsugi::norm {

using Types = testing::Types<float, f16, bf16>;

struct Case {
  Desc desc;
  Shape input;
};

/// Odd numbers of channels; less than a tile and several; groups within a pack, across packs, across
/// the 32 lanes that gather and across columns of blocks.
inline std::vector<Case> odd_cases() {
  return {{{.groups = 1}, {1, 1, 1, 1}},
          {{.groups = 3, .affine = true}, {2, 3, 25, 47}},
          {{.groups = 17}, {1, 17, 9, 13}},
          {{.groups = 2, .eps = 1e-3, .affine = true}, {2, 66, 11, 3}},
          {{.groups = 5}, {1, 65, 2, 7}},
          {{.groups = 1, .affine = true}, {1, 264, 3, 12}}};
}

template <class T>
struct Trial {
  Desc desc;
  test::Tensor<float> input;
  std::vector<float> weight, bias;

  explicit Trial(const Case& c, float mean = 0.25f) : Trial(c, mean, test::Random(1)) {}

  [[nodiscard]] test::Tensor<float> reference() const {
    const test::Tensor<double> in = input.template as<double>();
    const std::vector<double> w(weight.begin(), weight.end()), b(bias.begin(), bias.end());
    test::Tensor<double> out(output_shape(desc, input.shape()));
    norm::reference<double>(
        desc, {.input = in.view(), .weight = w, .bias = b, .output = out.view(), .workspace = {}},
        test::threads());
    return out.template as<float>();
  }

  /// The whole output, pads and gaps included, as it lies on the device: see view().
  [[nodiscard]] std::vector<float> cuda(int64_t gap = 0) const {
    const test::DeviceTensor<T> in(input, gap);
    return run(in).template values<float>();
  }

  /// The norm itself: its result as the operands of a step.
  [[nodiscard]] test::Tensor<float> applied() const {
    const test::DeviceTensor<T> in(input, 0), out(input.shape(), 0);
    const test::DeviceBuffer stats = run(in);
    const auto* rows = stats.data<float>();
    const std::vector<device::StepOperand> operands{{rows, 2 * pitch()},
                                                    {rows + pitch(), 2 * pitch()}};
    const auto stream = device::make_stream();
    elementwise::cuda<T>({{step::affine(Extent::sample_channel)}},
                         {.input = in.view(), .operands = operands, .output = out.view()}, *stream);
    device::synchronize(*stream);
    return out.download();
  }

  /// Whole groups of T, and four floats that are to be left alone.
  [[nodiscard]] int64_t pitch() const { return round_up(input.shape().c(), test::kGroup<T>) + 4; }
  [[nodiscard]] TensorView<const float> view(const std::vector<float>& values) const {
    return {values.data(), output_shape(desc, input.shape()), pitch()};
  }
  /// The scales or the shifts alone, which are of different sizes.
  template <class Values>
  [[nodiscard]] static TensorView<const float> row(const Values& values, int64_t row) {
    return {values.pixel(0, row, 0), {values.shape.n(), values.shape.c(), 1, 1}, 2 * values.pitch};
  }

 private:
  [[nodiscard]] test::DeviceBuffer run(const test::DeviceTensor<T>& in) const {
    const test::DeviceBuffer w(weight), b(bias);
    test::DeviceBuffer out(2 * input.shape().n() * pitch() * 4);
    const test::DeviceBuffer workspace(scratch(desc, input.shape(), sizeof(T)));
    const auto stream = device::make_stream();
    norm::cuda<T>(desc,
                  {.input = in.view(),
                   .weight = desc.affine ? w.data<float>() : nullptr,
                   .bias = desc.affine ? b.data<float>() : nullptr,
                   .output = {out.data<float>(), output_shape(desc, input.shape()), pitch()},
                   .workspace = workspace.data()},
                  *stream);
    device::synchronize(*stream);
    return out;
  }

  Trial(const Case& c, float mean, test::Random random)
      : desc(c.desc), input(test::Tensor<float>::random(c.input, random)) {
    input.for_each([&](int64_t, int64_t k, int64_t, int64_t, float& v) {
      if (k < c.input.c()) v = mean + 1.7320508f * v;  // a deviation of one
    });
    test::round_to<T>(input);
    weight.assign(static_cast<size_t>(c.input.c()), 0.0f), bias = weight;
    if (desc.affine) weight = random.values(c.input.c()), bias = random.values(c.input.c());
  }
};

}  // namespace kintsugi::norm
