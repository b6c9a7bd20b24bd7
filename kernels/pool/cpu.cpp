// SPDX-License-Identifier: MIT
//
// pool on the CPU.
//
// Math        the largest value of a window, or its sum times 1 / count (pool.h)
// Shapes      x [N,C,H,W]   y [N,C,P,Q]
// Layout      NHWC with a pitch; a pixel's pad channels are zero in the input and stay so
// Tiling      a task owns neighbouring output rows; an output pixel is done at once, a vector of its
//             channels after another, rows of the window outermost
// Scratch     none
// Numerics    max: bits are copied, a NaN stays. Average: f32 sums in the order of the window, one
//             product by the rounded 1 / count
// Roofline    R*S FLOP over 4 bytes written and 4*st*st read first: bound by memory, or for large
//             overlapping windows by their loads from L1
// Limits      none beyond the contract
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool/cpu.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/pool/pool.h"
#include "kernels/pool/window.h"
#include "kernels/simd/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

/// join(so far, value) over a window, from its first value on.
template <class Join>
HWY_INLINE V gather(const pool::Window& w, int64_t c, const Join& join) {
  const int64_t left = w.stored - c;
  V sum = load_first(w.first + c, left);
  for (int64_t r = 0; r < w.rows; ++r) {
    const float* x = w.first + r * w.row_step + c;
    for (int64_t s = r == 0 ? 1 : 0; s < w.columns; ++s) {
      sum = join(sum, load_first(x + s * w.column_step, left));
    }
  }
  return sum;
}

void largest_of(const pool::Window& w) {
  const F32 d;
  for (int64_t c = 0; c < w.stored; c += static_cast<int64_t>(hn::Lanes(d))) {
    // By comparison, because max hides a NaN on some machines; and Ne(v, v) is false of one on AVX.
    const V largest = gather(w, c, [](V most, V v) {
      return hn::IfThenElse(hn::Or(hn::Gt(v, most), hn::IsNaN(v)), v, most);
    });
    store_first(largest, w.output + c, w.stored - c);
  }
}

void average_of(const pool::Window& w) {
  const F32 d;
  const V factor = hn::Set(d, w.factor);
  for (int64_t c = 0; c < w.stored; c += static_cast<int64_t>(hn::Lanes(d))) {
    const V sum = gather(w, c, [](V a, V b) { return hn::Add(a, b); });
    store_first(hn::Mul(sum, factor), w.output + c, w.stored - c);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kintsugi::simd {
namespace {

using PoolWindow = void(const pool::Window&);

PoolWindow* largest_of(Isa isa) { KINTSUGI_SELECT(isa, largest_of); }
PoolWindow* average_of(Isa isa) { KINTSUGI_SELECT(isa, average_of); }

}  // namespace
}  // namespace kintsugi::simd

namespace kintsugi::pool {
namespace {

constexpr int64_t kTaskElements = 1 << 16;  // large against taking a task, small against a picture

}  // namespace

void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel) {
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  const int64_t stored = storage_channels(out.c());
  simd::PoolWindow* const run =
      desc.mode == Mode::max ? simd::largest_of(isa) : simd::average_of(isa);
  const int64_t task_rows = std::clamp<int64_t>(kTaskElements / (out.w() * stored), 1, out.h());
  const int64_t chunks = divide_up(out.h(), task_rows);
  parallel.parallel_for(out.n() * chunks, [&](int64_t task) {
    const int64_t n = task / chunks;
    const int64_t end = std::min(out.h(), (task % chunks + 1) * task_rows);
    for (int64_t y = task % chunks * task_rows; y < end; ++y) {
      const Span v = span(y, desc.kernel.h, desc.stride.h, desc.padding.h, in.h());
      for (int64_t x = 0; x < out.w(); ++x) {
        const Span u = span(x, desc.kernel.w, desc.stride.w, desc.padding.w, in.w());
        const int64_t rows = v.end - v.begin, columns = u.end - u.begin;
        const int64_t count =
            desc.count_include_pad ? desc.kernel.h * desc.kernel.w : rows * columns;
        run({.first = args.input.pixel(n, v.begin, u.begin),
             .rows = rows,
             .columns = columns,
             .row_step = in.w() * args.input.pitch,
             .column_step = args.input.pitch,
             .factor = 1.0f / static_cast<float>(count),
             .output = args.output.pixel(n, y, x),
             .stored = stored});
      }
    }
  });
}

}  // namespace kintsugi::pool
#endif
