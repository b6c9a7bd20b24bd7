// SPDX-License-Identifier: MIT
//
// The definition of norm: two passes over a group in double, one rounding to T at the store.
#include <algorithm>
#include <cmath>

#include "kernels/norm/norm.h"

namespace kintsugi::norm {

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& in = args.input.shape;
  const int64_t channels = in.c() / desc.groups;
  parallel.parallel_for(in.n() * desc.groups, [&](int64_t task) {
    const int64_t n = task / desc.groups;
    const int64_t first = task % desc.groups * channels;
    const auto sum = [&](const auto& term) {
      double total = 0;
      for (int64_t y = 0; y < in.h(); ++y) {
        for (int64_t x = 0; x < in.w(); ++x) {
          for (int64_t c = first; c < first + channels; ++c) {
            total += term(static_cast<double>(args.input.at(n, c, y, x)));
          }
        }
      }
      return total;
    };
    const double count = static_cast<double>(channels * in.h() * in.w());
    const double mean = sum([](double v) { return v; }) / count;
    const double variance = sum([&](double v) { return (v - mean) * (v - mean); }) / count;
    for (int64_t c = first; c < first + channels; ++c) {
      const auto i = static_cast<size_t>(c);
      const double weight = desc.affine ? static_cast<double>(args.weight[i]) : 1.0;
      const double bias = desc.affine ? static_cast<double>(args.bias[i]) : 0.0;
      const double scale = weight / std::sqrt(variance + desc.eps);
      args.scale.at(n, c, 0, 0) = static_cast<T>(scale);
      args.shift.at(n, c, 0, 0) = static_cast<T>(bias - mean * scale);
    }
  });
  for (int64_t n = 0; n < in.n(); ++n) {
    for (const TensorView<T>& output : {args.scale, args.shift}) {
      T* pixel = output.pixel(n, 0, 0);
      std::fill(pixel + in.c(), pixel + storage_channels(in.c()), T{0});
    }
  }
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::norm
