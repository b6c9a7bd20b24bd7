// SPDX-License-Identifier: MIT
//
// resample on the CPU.
//
// Math        nearest copies a pixel; bilinear weights two pixels of two rows (resample.h)
// Shapes      x [N,C,H,W]   y [N,C,P,Q]
// Layout      NHWC with a pitch; a pixel's pad channels are zero in the input and stay so
// Tiling      a task owns neighbouring output rows; where 256 output columns lie is computed once for
//             all of its rows; vectors are channels of a pixel
// Scratch     6 KiB of stack
// Numerics    f32, shares rounded once from their exact fractions; two products and an FMA a line,
//             the upper line before the lower
// Roofline    9 FLOP over 4 bytes written and what of the input is read first: bound by memory
// Limits      none beyond the contract
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/resample/cpu.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/resample/points.h"
#include "kernels/resample/resample.h"
#include "kernels/simd/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

HWY_INLINE V blend(V a, V b, V keep, V share) { return hn::MulAdd(b, share, hn::Mul(a, keep)); }

void blend_points(const resample::Points& p) {
  const F32 d;
  const V one = hn::Set(d, 1.0f);
  const V lower_share = hn::Set(d, p.share);
  const V upper_share = hn::Sub(one, lower_share);
  for (int64_t i = 0; i < p.count; ++i) {
    const resample::Point& at = p.items[i];
    const V share = hn::Set(d, at.share);
    const V keep = hn::Sub(one, share);
    for (int64_t c = 0; c < p.stored; c += static_cast<int64_t>(hn::Lanes(d))) {
      const int64_t left = p.stored - c;
      const V upper = blend(load_first(p.upper + at.first + c, left),
                            load_first(p.upper + at.second + c, left), keep, share);
      const V lower = blend(load_first(p.lower + at.first + c, left),
                            load_first(p.lower + at.second + c, left), keep, share);
      store_first(blend(upper, lower, upper_share, lower_share), p.output + i * p.output_step + c,
                  left);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kintsugi::simd {
namespace {

using BlendPoints = void(const resample::Points&);

BlendPoints* blend_points(Isa isa) { KINTSUGI_SELECT(isa, blend_points); }

}  // namespace
}  // namespace kintsugi::simd

namespace kintsugi::resample {
namespace {

constexpr int64_t kColumns = 256;
constexpr int64_t kTaskElements = 1 << 16;  // large against taking a task, small against a picture

void copy_points(const Points& p) {
  for (int64_t i = 0; i < p.count; ++i) {
    std::copy_n(p.upper + p.items[i].first, p.stored, p.output + i * p.output_step);
  }
}

}  // namespace

void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel) {
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  const int64_t stored = storage_channels(out.c());
  simd::BlendPoints* const run = desc.mode == Mode::nearest ? copy_points : simd::blend_points(isa);
  const int64_t task_rows = std::clamp<int64_t>(kTaskElements / (out.w() * stored), 1, out.h());
  const int64_t chunks = divide_up(out.h(), task_rows);
  parallel.parallel_for(out.n() * chunks, [&](int64_t task) {
    const int64_t n = task / chunks;
    const int64_t begin = task % chunks * task_rows;
    const int64_t end = std::min(out.h(), begin + task_rows);
    Point points[kColumns];
    for (int64_t x0 = 0; x0 < out.w(); x0 += kColumns) {
      const int64_t count = std::min(out.w() - x0, kColumns);
      for (int64_t i = 0; i < count; ++i) {
        const Place u = place(desc, x0 + i, in.w(), out.w());
        points[i] = {u.first * args.input.pitch, u.second * args.input.pitch,
                     static_cast<float>(u.share)};
      }
      for (int64_t y = begin; y < end; ++y) {
        const Place v = place(desc, y, in.h(), out.h());
        run({.items = points,
             .count = count,
             .upper = args.input.pixel(n, v.first, 0),
             .lower = args.input.pixel(n, v.second, 0),
             .share = static_cast<float>(v.share),
             .output = args.output.pixel(n, y, x0),
             .output_step = args.output.pitch,
             .stored = stored});
      }
    }
  });
}

}  // namespace kintsugi::resample
#endif
