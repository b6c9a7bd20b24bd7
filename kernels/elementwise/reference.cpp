// SPDX-License-Identifier: MIT
//
// The definition of elementwise: all steps of an element in double, one rounding to T at the store.
#include <algorithm>

#include "kernels/elementwise/elementwise.h"

namespace kintsugi::elementwise {

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& shape = args.output.shape;
  parallel.parallel_for(shape.n() * shape.h(), [&](int64_t row) {
    const int64_t n = row / shape.h();
    const int64_t y = row % shape.h();
    for (int64_t x = 0; x < shape.w(); ++x) {
      const T* in = args.input.pixel(n, y, x);
      for (int64_t k = 0; k < shape.c(); ++k) {
        args.output.at(n, k, y, x) = static_cast<T>(apply_steps<T>(
            desc.steps, args.operands, [&](int64_t i) { return static_cast<double>(in[i]); },
            {.n = n, .k = k, .y = y, .x = x, .h = shape.h(), .w = shape.w()}, shape.c()));
      }
      T* pixel = args.output.pixel(n, y, x);
      std::fill(pixel + shape.c(), pixel + storage_channels(shape.c()), T{0});
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::elementwise
