// SPDX-License-Identifier: MIT
//
// The definition of copy: element by element.
#include <algorithm>

#include "kernels/copy/copy.h"

namespace kintsugi::copy {

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& shape = args.output.shape;
  parallel.parallel_for(shape.n() * shape.h(), [&](int64_t row) {
    const int64_t n = row / shape.h();
    const int64_t y = row % shape.h();
    for (int64_t x = 0; x < shape.w(); ++x) {
      for (int64_t c = 0; c < shape.c(); ++c) {
        args.output.at(n, c, y, x) = args.input.at(n, desc.first + c, y, x);
      }
      T* pixel = args.output.pixel(n, y, x);
      std::fill(pixel + shape.c(), pixel + storage_channels(shape.c()), T{0});
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::copy
