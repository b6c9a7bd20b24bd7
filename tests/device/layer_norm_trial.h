// SPDX-License-Identifier: MIT
//
// A layer norm of random data of one storage type, and its result by definition and on the device that
// the program was linked with. What is fed is rounded to the storage type first.
#pragma once

#include "kernels/layer_norm/cuda.h"
#include "tests/device/support.h"

namespace kintsugi::layer_norm {

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

/// Odd numbers of channels, within a lane, a warp, what is held and beyond; pixels that leave lanes idle.
inline std::vector<Case> odd_cases() {
  return {{{}, {1, 1, 1, 1}},
          {{.affine = true}, {2, 3, 5, 7}},
          {{.eps = 1e-3}, {1, 17, 9, 13}},
          {{.affine = true}, {1, 66, 3, 11}},
          {{.affine = true}, {1, 530, 2, 5}},
          {{}, {1, 2060, 1, 3}}};
}

template <class T>
struct Trial {
  Desc desc;
  CudaConfig config;
  test::Tensor<float> input, weight, bias;

  explicit Trial(const Case& c, float mean = 0.25f) : Trial(c, mean, test::Random(1)) {}

  [[nodiscard]] test::Tensor<float> reference() const {
    const auto in = input.template as<double>(), w = weight.template as<double>(),
               b = bias.template as<double>();
    test::Tensor<double> out(input.shape());
    layer_norm::reference<double>(
        desc, {.input = in.view(), .weight = w.data(), .bias = b.data(), .output = out.view()},
        test::threads());
    return out.template as<float>();
  }

  /// The output, with `gap` groups of 16 bytes between pixels.
  [[nodiscard]] test::DeviceTensor<T> cuda(int64_t gap = 0) const {
    const test::DeviceTensor<T> in(input, gap + 1);
    test::DeviceTensor<T> out(input.shape(), gap);
    const test::DeviceBuffer w = vector(weight), b = vector(bias);
    run(in, w, b, out);
    return out;
  }
  [[nodiscard]] test::DeviceTensor<T> in_place() const {
    test::DeviceTensor<T> both(input, 0);
    const test::DeviceBuffer w = vector(weight), b = vector(bias);
    run(both, w, b, both);
    return both;
  }

 private:
  Trial(const Case& c, float mean, test::Random random)
      : desc(c.desc),
        config(choose_cuda(c.input, sizeof(T))),
        input(test::Tensor<float>::random(c.input, random)),
        weight(test::Tensor<float>::random({1, c.input.c(), 1, 1}, random)),
        bias(test::Tensor<float>::random({1, c.input.c(), 1, 1}, random)) {
    input.for_each([&](int64_t, int64_t k, int64_t, int64_t, float& v) {
      if (k < c.input.c()) v = mean + 1.7320508f * v;  // a deviation of one
    });
    test::round_to<T>(input);
  }

  /// f32, in whole groups of T.
  [[nodiscard]] static test::DeviceBuffer vector(const test::Tensor<float>& values) {
    std::vector<float> all = values.data();
    all.resize(static_cast<size_t>(round_up(values.shape().c(), test::kGroup<T>)));
    return test::DeviceBuffer(all);
  }
  void run(const test::DeviceTensor<T>& in, const test::DeviceBuffer& w,
           const test::DeviceBuffer& b, const test::DeviceTensor<T>& out) const {
    const auto stream = device::make_stream();
    layer_norm::cuda<T>(desc, config,
                        {.input = in.view(),
                         .weight = desc.affine ? w.data<float>() : nullptr,
                         .bias = desc.affine ? b.data<float>() : nullptr,
                         .output = out.view()},
                        *stream);
    device::synchronize(*stream);
  }
};

}  // namespace kintsugi::layer_norm
