// SPDX-License-Identifier: MIT
//
// The definition of resample, element by element, in double.
#include <algorithm>

#include "kernels/resample/resample.h"

namespace kintsugi::resample {

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    const int64_t n = row / out.h();
    const int64_t y = row % out.h();
    const Place v = place(desc, y, in.h(), out.h());
    for (int64_t x = 0; x < out.w(); ++x) {
      const Place u = place(desc, x, in.w(), out.w());
      for (int64_t c = 0; c < out.c(); ++c) {
        const auto value = [&](int64_t iy, int64_t ix) {
          return static_cast<double>(args.input.at(n, c, iy, ix));
        };
        if (desc.mode == Mode::nearest) {
          args.output.at(n, c, y, x) = args.input.at(n, c, v.first, u.first);
        } else {
          const auto line = [&](int64_t iy) {
            return (1 - u.share) * value(iy, u.first) + u.share * value(iy, u.second);
          };
          args.output.at(n, c, y, x) =
              static_cast<T>((1 - v.share) * line(v.first) + v.share * line(v.second));
        }
      }
      T* pixel = args.output.pixel(n, y, x);
      std::fill(pixel + out.c(), pixel + storage_channels(out.c()), T{0});
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::resample
