// SPDX-License-Identifier: MIT
#include "benchmarks/gpu/baseline.h"
#include "kernels/core/padding.h"

namespace kintsugi::gpu_bench {
namespace {

/// The input coordinate that tap r of output coordinate i reads; negative where it reads nothing.
int64_t source(const Convolution& c, int64_t i, int64_t r, int64_t stride, int64_t dilation,
               int64_t padding, int64_t extent) {
  if (!c.transposed) {
    return source_coordinate(i * stride + r * dilation - padding, extent,
                             c.reflects ? PaddingMode::reflect : PaddingMode::zero);
  }
  const int64_t spread = i + padding - r * dilation;
  return spread >= 0 && spread % stride == 0 && spread / stride < extent ? spread / stride : -1;
}

}  // namespace

std::vector<float> definition(const Convolution& c) {
  const Shape& in = c.input;
  const Shape& out = c.output;
  std::vector<float> values;
  values.reserve(static_cast<size_t>(out.elements()));
  const auto sum_at = [&](int64_t n, int64_t k, int64_t y, int64_t x) {
    double sum = 0;
    for (int64_t r = 0; r < c.kernel.h; ++r) {
      const int64_t i = source(c, y, r, c.stride.h, c.dilation.h, c.padding.h, in.h());
      for (int64_t s = 0; s < c.kernel.w && i >= 0; ++s) {
        const int64_t j = source(c, x, s, c.stride.w, c.dilation.w, c.padding.w, in.w());
        for (int64_t channel = 0; channel < in.c() && j >= 0; ++channel) {
          const int64_t first = c.transposed ? channel : k, second = c.transposed ? k : channel;
          const int64_t w = ((first * c.weight[1] + second) * c.kernel.h + r) * c.kernel.w + s;
          const int64_t p = ((n * in.h() + i) * in.w() + j) * in.c() + channel;
          sum +=
              double{c.pixels[static_cast<size_t>(p)]} * double{c.weights[static_cast<size_t>(w)]};
        }
      }
    }
    return static_cast<float>(sum);
  };
  for (int64_t n = 0; n < out.n(); ++n) {
    for (int64_t y = 0; y < out.h(); ++y) {
      for (int64_t x = 0; x < out.w(); ++x) {
        for (int64_t k = 0; k < out.c(); ++k) values.push_back(sum_at(n, k, y, x));
      }
    }
  }
  return values;
}

}  // namespace kintsugi::gpu_bench
