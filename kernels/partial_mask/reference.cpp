// SPDX-License-Identifier: MIT
//
// The definition of partial_mask: plain loops, sums in double, rounded to T before the form's division.
#include <algorithm>

#include "kernels/partial_mask/partial_mask.h"

namespace kintsugi::partial_mask {

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& in = args.masks[0].shape;
  const Shape& out = args.ratio.shape;
  const T window = static_cast<T>(window_entries(desc));
  const T eps = static_cast<T>(desc.eps);
  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    const int64_t n = row / out.h();
    const int64_t y = row % out.h();
    for (int64_t x = 0; x < out.w(); ++x) {
      double known = 0;
      for (size_t plane = 0; plane < static_cast<size_t>(desc.planes()); ++plane) {
        for (int64_t r = 0; r < desc.kernel.h; ++r) {
          for (int64_t s = 0; s < desc.kernel.w; ++s) {
            const int64_t iy = y * desc.stride.h + r * desc.dilation.h - desc.padding.h;
            const int64_t ix = x * desc.stride.w + s * desc.dilation.w - desc.padding.w;
            if (iy < 0 || iy >= in.h() || ix < 0 || ix >= in.w()) continue;
            known += static_cast<double>(desc.channels[plane]) *
                     static_cast<double>(args.masks[plane].at(n, 0, iy, ix));
          }
        }
      }
      const T sum = static_cast<T>(known);
      T ratio = 0, valid = 0;
      if (desc.form == Form::naoto) {
        valid = sum == 0 ? T{0} : T{1};
        ratio = sum == 0 ? T{0} : 1 / sum;
      } else {
        valid = sum <= 0 ? T{0} : sum > 1 ? T{1} : sum;
        ratio = sum <= 0 ? T{0} : window / (sum + eps) * valid;
      }
      const auto store = [&](const TensorView<T>& output, T value) {
        T* pixel = output.pixel(n, y, x);
        std::fill_n(pixel, storage_channels(1), T{0});
        *pixel = value;
      };
      store(args.ratio, ratio);
      store(args.valid, valid);
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::partial_mask
