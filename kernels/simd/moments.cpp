// SPDX-License-Identifier: MIT
//
// Moments of a rectangle of pixels, on the CPU.
//
// Math        of each channel: mean = sum x / count, squares = sum (x - mean)^2; then joined with those
//             of other pixels as Chan, Golub, LeVeque (1979)
// Shapes      x [rows, columns, C] with steps   mean, squares [C]
// Layout      vectors of channels; C is in whole granules
// Tiling      one vector of channels at a time, twice over the pixels: callers give as many as the cache
//             holds
// Scratch     none
// Numerics    f32; sums of differences from the first pixel, four side by side, so that a large mean takes
//             no digit from the variance; squares about the rounded mean
// Roofline    6 FLOP over 4 bytes an element: bound by whichever cache holds it
// Limits      none
#include "kernels/simd/moments.h"

#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd/moments.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/simd/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

/// The sum of f(x - pivot) over all pixels, of which `left` channels begin at `pixel`.
template <class F>
HWY_INLINE V sum_pixels(const MomentsTask& t, const float* pixel, int64_t left, V pivot,
                        const F& f) {
  const F32 d;
  V sum[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  for (int64_t row = 0; row < t.rows; ++row, pixel += t.row_step) {
    const float* x = pixel;
    int64_t i = 0;
    for (; i + 4 <= t.columns; i += 4) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j, x += t.column_step) {
        sum[j] = f(hn::Sub(load_first(x, left), pivot), sum[j]);
      }
    }
    for (; i < t.columns; ++i, x += t.column_step) {
      sum[0] = f(hn::Sub(load_first(x, left), pivot), sum[0]);
    }
  }
  return hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3]));
}

void join_pixels(const MomentsTask& t) {
  const F32 d;
  const auto pixels = static_cast<float>(t.rows * t.columns);
  const auto before = static_cast<float>(t.before);
  const V count = hn::Set(d, pixels);
  const V part = hn::Set(d, pixels / (before + pixels));
  const V apart = hn::Set(d, before * (pixels / (before + pixels)));
  for (int64_t c = 0; c < t.channels; c += static_cast<int64_t>(hn::Lanes(d))) {
    const int64_t left = t.channels - c;
    const V first = load_first(t.pixel + c, left);
    const V offset = sum_pixels(t, t.pixel + c, left, first,
                                [](V difference, V sum) { return hn::Add(sum, difference); });
    V mean = hn::Add(first, hn::Div(offset, count));
    V squares = sum_pixels(t, t.pixel + c, left, mean, [](V difference, V sum) {
      return hn::MulAdd(difference, difference, sum);
    });
    if (t.before > 0) {
      const V known = load_first(t.mean + c, left);
      const V step = hn::Sub(mean, known);
      mean = hn::MulAdd(step, part, known);
      squares =
          hn::Add(load_first(t.squares + c, left), hn::MulAdd(hn::Mul(step, step), apart, squares));
    }
    store_first(mean, t.mean + c, left);
    store_first(squares, t.squares + c, left);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kintsugi::simd {

JoinMoments* join_moments(Isa isa) { KINTSUGI_SELECT(isa, join_pixels); }

}  // namespace kintsugi::simd
#endif
