// SPDX-License-Identifier: MIT
//
// The definition of pad, element by element.
#include <algorithm>

#include "kernels/pad/pad.h"

namespace kintsugi::pad {

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    const int64_t n = row / out.h();
    const int64_t y = row % out.h();
    const int64_t iy = source_coordinate(y - desc.top, in.h(), desc.mode);
    for (int64_t x = 0; x < out.w(); ++x) {
      const int64_t ix = source_coordinate(x - desc.left, in.w(), desc.mode);
      for (int64_t c = 0; c < out.c(); ++c) {
        args.output.at(n, c, y, x) = iy < 0 || ix < 0 ? T{0} : args.input.at(n, c, iy, ix);
      }
      T* pixel = args.output.pixel(n, y, x);
      std::fill(pixel + out.c(), pixel + storage_channels(out.c()), T{0});
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::pad
