// SPDX-License-Identifier: MIT
//
// The definition of pool: plain loops, sums in double, one rounding to T at the store.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/pool/pool.h"

namespace kintsugi::pool {

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    const int64_t n = row / out.h();
    const int64_t y = row % out.h();
    const Span v = span(y, desc.kernel.h, desc.stride.h, desc.padding.h, in.h());
    for (int64_t x = 0; x < out.w(); ++x) {
      const Span u = span(x, desc.kernel.w, desc.stride.w, desc.padding.w, in.w());
      const int64_t count = desc.count_include_pad ? desc.kernel.h * desc.kernel.w
                                                   : (v.end - v.begin) * (u.end - u.begin);
      for (int64_t c = 0; c < out.c(); ++c) {
        double largest = -std::numeric_limits<double>::infinity();
        double sum = 0;
        for (int64_t iy = v.begin; iy < v.end; ++iy) {
          for (int64_t ix = u.begin; ix < u.end; ++ix) {
            const auto value = static_cast<double>(args.input.at(n, c, iy, ix));
            if (value > largest || std::isnan(value)) largest = value;
            sum += value;
          }
        }
        args.output.at(n, c, y, x) =
            static_cast<T>(desc.mode == Mode::max ? largest : sum / static_cast<double>(count));
      }
      T* pixel = args.output.pixel(n, y, x);
      std::fill(pixel + out.c(), pixel + storage_channels(out.c()), T{0});
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::pool
