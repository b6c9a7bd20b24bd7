// SPDX-License-Identifier: MIT
//
// The definition of concat: element by element.
#include <algorithm>

#include "kernels/concat/concat.h"

namespace kintsugi::concat {

template <class T>
void reference(const Desc&, const Args<T>& args, Parallel& parallel) {
  const Shape& shape = args.output.shape;
  parallel.parallel_for(shape.n() * shape.h(), [&](int64_t row) {
    const int64_t n = row / shape.h();
    const int64_t y = row % shape.h();
    for (int64_t x = 0; x < shape.w(); ++x) {
      int64_t channel = 0;
      for (const TensorView<const T>& input : args.inputs) {
        for (int64_t c = 0; c < input.shape.c(); ++c) {
          args.output.at(n, channel++, y, x) = input.at(n, c, y, x);
        }
      }
      T* pixel = args.output.pixel(n, y, x);
      std::fill(pixel + channel, pixel + storage_channels(channel), T{0});
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::concat
