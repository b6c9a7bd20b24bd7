// SPDX-License-Identifier: MIT
//
// reduce on the CPU.
//
// Math        the sum, times 1 / count for the mean, or the largest value (reduce.h)
// Shapes      x [N,C,H,W]   y [N,C,1,1] or [N,1,H,W]
// Layout      NHWC with a pitch; pad channels are read, and written as zeros
// Tiling      over pixels: a tile is 256 pixels with all their channels, a task takes neighbouring
//             tiles; then a task is 16 channels of a picture, whose tiles it gathers in order. Over
//             channels: a task owns neighbouring rows, a pixel is done at once.
// Scratch     over pixels [N][tiles][C] f32, the caller's
// Numerics    over pixels: f32 in a tile, four sums side by side; tiles gathered in double. Over
//             channels: f32, four vectors of sums side by side, added lane after lane. Max: bits are
//             copied, a NaN stays
// Roofline    1 FLOP over 4 bytes an element: bound by memory
// Limits      none beyond the contract
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce/cpu.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/reduce/reduce.h"
#include "kernels/reduce/run.h"
#include "kernels/simd/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

struct Plus {
  static HWY_INLINE V join(V a, V b) { return hn::Add(a, b); }
  static HWY_INLINE float join(float a, float b) { return a + b; }
  static HWY_INLINE V none() { return hn::Zero(F32()); }
};

struct Larger {
  /// By comparison, because max hides a NaN on some machines; the first stays if it is one.
  static HWY_INLINE V join(V a, V b) {
    return hn::IfThenElse(hn::Or(hn::Gt(b, a), hn::IsNaN(b)), b, a);
  }
  static HWY_INLINE float join(float a, float b) { return b > a || b != b ? b : a; }
  static HWY_INLINE V none() { return hn::Set(F32(), -HUGE_VALF); }
};

template <class Join>
void over_pixels(const reduce::Run& run) {
  const F32 d;
  const int64_t stored = round_up(run.channels, kChannelGranule);
  for (int64_t c = 0; c < stored; c += static_cast<int64_t>(hn::Lanes(d))) {
    const int64_t left = stored - c;
    V part[4] = {Join::none(), Join::none(), Join::none(), Join::none()};
    const float* x = run.input + c;
    int64_t i = 0;
    for (; i + 4 <= run.pixels; i += 4) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j, x += run.pitch)
        part[j] = Join::join(part[j], load_first(x, left));
    }
    for (; i < run.pixels; ++i, x += run.pitch) part[0] = Join::join(part[0], load_first(x, left));
    store_first(Join::join(Join::join(part[0], part[1]), Join::join(part[2], part[3])),
                run.output + c, left);
  }
}

template <class Join>
void over_channels(const reduce::Run& run) {
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stored = round_up(run.channels, kChannelGranule);
  HWY_ALIGN float values[hn::MaxLanes(F32())];
  for (int64_t i = 0; i < run.pixels; ++i) {
    const float* x = run.input + i * run.pitch;
    V part[4] = {Join::none(), Join::none(), Join::none(), Join::none()};
    int64_t c = 0;
    for (; c + 4 * lanes <= run.channels; c += 4 * lanes) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) part[j] = Join::join(part[j], hn::LoadU(d, x + c + j * lanes));
    }
    for (; c < run.channels; c += lanes) {
      // Pads are zero, which is not nothing to a maximum.
      const int64_t kept = run.channels - c < lanes ? run.channels - c : lanes;
      const V v = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(kept)),
                                 load_first(x + c, stored - c), Join::none());
      part[0] = Join::join(part[0], v);
    }
    hn::Store(Join::join(Join::join(part[0], part[1]), Join::join(part[2], part[3])), d, values);
    float result = values[0];
    for (int64_t lane = 1; lane < lanes; ++lane) result = Join::join(result, values[lane]);
    float* y = run.output + i * run.output_step;
    hn::StoreU(hn::Zero(hn::CappedTag<float, 4>()), hn::CappedTag<float, 4>(), y);
    y[0] = result * run.factor;
  }
}

void sum_pixels(const reduce::Run& run) { over_pixels<Plus>(run); }
void max_pixels(const reduce::Run& run) { over_pixels<Larger>(run); }
void sum_channels(const reduce::Run& run) { over_channels<Plus>(run); }
void max_channels(const reduce::Run& run) { over_channels<Larger>(run); }

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kintsugi::simd {
namespace {

using ReduceRun = void(const reduce::Run&);

ReduceRun* sum_pixels(Isa isa) { KINTSUGI_SELECT(isa, sum_pixels); }
ReduceRun* max_pixels(Isa isa) { KINTSUGI_SELECT(isa, max_pixels); }
ReduceRun* sum_channels(Isa isa) { KINTSUGI_SELECT(isa, sum_channels); }
ReduceRun* max_channels(Isa isa) { KINTSUGI_SELECT(isa, max_channels); }

}  // namespace
}  // namespace kintsugi::simd

namespace kintsugi::reduce {
namespace {

constexpr int64_t kTilePixels = 256;
constexpr int64_t kGathered = 16;           // channels of a task: a line of the tiles' sums
constexpr int64_t kTaskElements = 1 << 16;  // large against taking a task, small against a picture

int64_t tiles_of(const Shape& input) {
  return divide_up(checked_multiply(input.h(), input.w()), kTilePixels);
}

/// A picture's tiles, kGathered channels from `first` on.
void gather(const Desc& desc, const Args<float>& args, int64_t n, int64_t first) {
  const Shape& in = args.input.shape;
  const int64_t stored = storage_channels(in.c());
  const int64_t tiles = tiles_of(in);
  const int64_t count = std::min(kGathered, stored - first);
  const float* parts = args.workspace.as<float>().data() + n * tiles * stored + first;
  double result[kGathered];
  for (int64_t c = 0; c < count; ++c) result[c] = static_cast<double>(parts[c]);
  for (int64_t t = 1; t < tiles; ++t) {
    for (int64_t c = 0; c < count; ++c) {
      const auto value = static_cast<double>(parts[t * stored + c]);
      if (desc.reduction != Reduction::max) {
        result[c] += value;
      } else if (value > result[c] || std::isnan(value)) {
        result[c] = value;
      }
    }
  }
  const double whole =
      desc.reduction == Reduction::mean ? static_cast<double>(in.h() * in.w()) : 1.0;
  float* out = args.output.pixel(n, 0, 0) + first;
  for (int64_t c = 0; c < count; ++c) {  // pads are zero, and stay so
    out[c] = static_cast<float>(result[c] / whole);
  }
}

void cpu_over_pixels(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel) {
  const Shape& in = args.input.shape;
  const int64_t stored = storage_channels(in.c());
  if (static_cast<int64_t>(args.workspace.as<float>().size()) < workspace_elements(desc, in)) {
    throw Error(ErrorCode::internal, to_string(desc) + ": the workspace is too small");
  }
  simd::ReduceRun* const run =
      desc.reduction == Reduction::max ? simd::max_pixels(isa) : simd::sum_pixels(isa);
  const int64_t tiles = tiles_of(in);
  const int64_t task_tiles = std::max<int64_t>(kTaskElements / (kTilePixels * stored), 1);
  const int64_t chunks = divide_up(tiles, task_tiles);
  parallel.parallel_for(in.n() * chunks, [&](int64_t task) {
    const int64_t n = task / chunks;
    const int64_t end = std::min(tiles, (task % chunks + 1) * task_tiles);
    for (int64_t t = task % chunks * task_tiles; t < end; ++t) {
      run({.input = args.input.pixel(n, 0, 0) + t * kTilePixels * args.input.pitch,
           .pitch = args.input.pitch,
           .pixels = std::min(kTilePixels, in.h() * in.w() - t * kTilePixels),
           .channels = in.c(),
           .output = args.workspace.as<float>().data() + (n * tiles + t) * stored});
    }
  });
  const int64_t blocks = divide_up(stored, kGathered);
  parallel.parallel_for(in.n() * blocks, [&](int64_t task) {
    gather(desc, args, task / blocks, task % blocks * kGathered);
  });
}

void cpu_over_channels(const Desc& desc, simd::Isa isa, const Args<float>& args,
                       Parallel& parallel) {
  const Shape& in = args.input.shape;
  simd::ReduceRun* const run =
      desc.reduction == Reduction::max ? simd::max_channels(isa) : simd::sum_channels(isa);
  const bool mean = desc.reduction == Reduction::mean;
  const int64_t task_rows =
      std::clamp<int64_t>(kTaskElements / (in.w() * storage_channels(in.c())), 1, in.h());
  const int64_t chunks = divide_up(in.h(), task_rows);
  parallel.parallel_for(in.n() * chunks, [&](int64_t task) {
    const int64_t n = task / chunks;
    const int64_t y = task % chunks * task_rows;
    run({.input = args.input.pixel(n, y, 0),
         .pitch = args.input.pitch,
         .pixels = std::min(task_rows, in.h() - y) * in.w(),
         .channels = in.c(),
         .output = args.output.pixel(n, y, 0),
         .output_step = args.output.pitch,
         .factor = mean ? 1.0f / static_cast<float>(in.c()) : 1.0f});
  });
}

}  // namespace

int64_t workspace_elements(const Desc& desc, const Shape& input) {
  static_cast<void>(output_shape(desc, input));
  if (desc.over == Over::channels) return 0;
  return checked_product({input.n(), tiles_of(input), storage_channels(input.c())});
}

void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel) {
  if (desc.over == Over::pixels) return cpu_over_pixels(desc, isa, args, parallel);
  cpu_over_channels(desc, isa, args, parallel);
}

}  // namespace kintsugi::reduce
#endif
