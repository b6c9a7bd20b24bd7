// SPDX-License-Identifier: MIT
//
// pad on the CPU.
//
// Math        y[n,c,y,x] = x[n,c,y - top,x - left], beyond the border zero or the reflection
// Shapes      x [N,C,H,W]   y [N,C,H + top + bottom,W + left + right]
// Layout      NHWC with a pitch; a pixel's pad channels are zero in the input and copied with it
// Tiling      a task owns one output row; its inner part is one copy where both pitches are dense,
//             else a copy a pixel; border pixels one by one
// Numerics    bits are copied
// Roofline    no FLOP over 4*(x + y) bytes: bound by memory
// Limits      none beyond the contract
#include <algorithm>

#include "kernels/pad/pad.h"

namespace kintsugi::pad {

void cpu(const Desc& desc, const Args<float>& args, Parallel& parallel) {
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  const int64_t channels = storage_channels(out.c());
  const bool dense = args.input.pitch == channels && args.output.pitch == channels;

  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    const int64_t n = row / out.h();
    const int64_t y = row % out.h();
    const int64_t iy = source_coordinate(y - desc.top, in.h(), desc.mode);
    const auto copy_pixel = [&](int64_t x) {
      const int64_t ix = source_coordinate(x - desc.left, in.w(), desc.mode);
      float* pixel = args.output.pixel(n, y, x);
      if (iy < 0 || ix < 0) {
        std::fill_n(pixel, channels, 0.0f);
      } else {
        std::copy_n(args.input.pixel(n, iy, ix), channels, pixel);
      }
    };
    const int64_t inner_end = desc.left + in.w();
    for (int64_t x = 0; x < desc.left; ++x) copy_pixel(x);
    if (dense && iy >= 0) {
      std::copy_n(args.input.pixel(n, iy, 0), in.w() * channels,
                  args.output.pixel(n, y, desc.left));
    } else {
      for (int64_t x = desc.left; x < inner_end; ++x) copy_pixel(x);
    }
    for (int64_t x = inner_end; x < out.w(); ++x) copy_pixel(x);
  });
}

}  // namespace kintsugi::pad
