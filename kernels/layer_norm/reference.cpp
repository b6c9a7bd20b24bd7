// SPDX-License-Identifier: MIT
//
// The definition of layer_norm: two passes over a pixel in double, one rounding to T at the store.
#include <algorithm>
#include <cmath>

#include "kernels/layer_norm/layer_norm.h"

namespace kintsugi::layer_norm {

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& shape = args.output.shape;
  const auto count = static_cast<double>(shape.c());
  parallel.parallel_for(shape.n() * shape.h(), [&](int64_t row) {
    const int64_t n = row / shape.h();
    const int64_t y = row % shape.h();
    for (int64_t x = 0; x < shape.w(); ++x) {
      const T* from = args.input.pixel(n, y, x);
      double sum = 0, squares = 0;
      for (int64_t c = 0; c < shape.c(); ++c) sum += static_cast<double>(from[c]);
      const double mean = sum / count;
      for (int64_t c = 0; c < shape.c(); ++c) {
        const double difference = static_cast<double>(from[c]) - mean;
        squares += difference * difference;
      }
      const double deviation = std::sqrt(squares / count + desc.eps);
      T* to = args.output.pixel(n, y, x);
      for (int64_t c = 0; c < shape.c(); ++c) {
        const auto i = static_cast<size_t>(c);
        double value = (static_cast<double>(from[c]) - mean) / deviation;
        if (desc.affine) {
          value = value * static_cast<double>(args.weight[i]) + static_cast<double>(args.bias[i]);
        }
        to[c] = static_cast<T>(value);
      }
      std::fill(to + shape.c(), to + storage_channels(shape.c()), T{0});
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::layer_norm
