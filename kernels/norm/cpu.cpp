// SPDX-License-Identifier: MIT
//
// norm on the CPU.
//
// Math        of each group: mean = sum x / count, variance = sum (x - mean)^2 / count
// Shapes      x [N,C,H,W]   y [N,C,2,1]: scale, shift
// Layout      NHWC with a pitch; pad channels are read, and written as zeros
// Tiling      a tile is some 32 Ki elements: up to 256 pixels with all their channels; a task takes
//             neighbouring tiles. Then a task is a group, which gathers its tiles in order.
// Scratch     [N][tiles][2][C] f32, the caller's: of each tile and channel the mean and the squares
// Numerics    f32 in a tile, of differences from the picture's first pixel, so that a large mean takes
//             no digit from the variance; squares about the tile's own mean, in a second pass over
//             what is in the cache; tiles gathered in double
// Roofline    6 FLOP over 4 bytes an element: bound by memory
// Limits      none beyond the contract
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norm/cpu.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/norm/norm.h"
#include "kernels/norm/tile.h"
#include "kernels/simd/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

/// The sum of f(x - pivot) over a tile's pixels, four sums side by side.
template <class F>
HWY_INLINE V sum_pixels(const norm::Tile& t, int64_t c, V pivot, const F& f) {
  const F32 d;
  V sum[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  const float* x = t.input + c;
  const int64_t left = t.stored - c;
  int64_t i = 0;
  for (; i + 4 <= t.pixels; i += 4) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j, x += t.pitch) {
      sum[j] = f(hn::Sub(load_first(x, left), pivot), sum[j]);
    }
  }
  for (; i < t.pixels; ++i, x += t.pitch) sum[0] = f(hn::Sub(load_first(x, left), pivot), sum[0]);
  return hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3]));
}

void tile_moments(const norm::Tile& t) {
  const F32 d;
  const V count = hn::Set(d, static_cast<float>(t.pixels));
  for (int64_t c = 0; c < t.stored; c += static_cast<int64_t>(hn::Lanes(d))) {
    const int64_t left = t.stored - c;
    const V pivot = load_first(t.pivot + c, left);
    const V mean =
        hn::Div(sum_pixels(t, c, pivot, [](V v, V sum) { return hn::Add(sum, v); }), count);
    store_first(mean, t.mean + c, left);
    store_first(sum_pixels(t, c, pivot,
                           [mean](V v, V sum) {
                             const V difference = hn::Sub(v, mean);
                             return hn::MulAdd(difference, difference, sum);
                           }),
                t.squares + c, left);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kintsugi::simd {
namespace {

using TileMoments = void(const norm::Tile&);

TileMoments* tile_moments(Isa isa) { KINTSUGI_SELECT(isa, tile_moments); }

}  // namespace
}  // namespace kintsugi::simd

namespace kintsugi::norm {
namespace {

constexpr int64_t kTileElements = 1 << 15;
constexpr int64_t kTaskElements = 1 << 16;  // large against taking a task, small against a picture

int64_t tile_pixels(const Shape& input) {
  return std::clamp<int64_t>(kTileElements / storage_channels(input.c()), 16, 256);
}

int64_t tiles_of(const Shape& input) {
  return divide_up(checked_multiply(input.h(), input.w()), tile_pixels(input));
}

/// Scale and shift of one group, out of its tiles.
void gather(const Desc& desc, const Args<float>& args, int64_t n, int64_t group) {
  const Shape& in = args.input.shape;
  const int64_t stored = storage_channels(in.c());
  const int64_t tiles = tiles_of(in);
  const int64_t channels = in.c() / desc.groups;
  const int64_t first = group * channels;
  const float* pixel = args.input.pixel(n, 0, 0);
  const double pivot = pixel[first];
  /// term(pixels of the tile, mean of the channel less the group's pivot, squares), summed.
  const auto sum = [&](const auto& term) {
    double total = 0;
    for (int64_t t = 0; t < tiles; ++t) {
      const float* mean = args.workspace.data() + (n * tiles + t) * 2 * stored;
      const auto pixels =
          static_cast<double>(std::min(tile_pixels(in), in.h() * in.w() - t * tile_pixels(in)));
      for (int64_t c = first; c < first + channels; ++c) {
        const double offset = static_cast<double>(pixel[c]) - pivot;
        total += term(pixels, static_cast<double>(mean[c]) + offset,
                      static_cast<double>(mean[stored + c]));
      }
    }
    return total;
  };
  const auto count = static_cast<double>(channels * in.h() * in.w());
  const double mean = sum([](double pixels, double m, double) { return pixels * m; }) / count;
  const double variance =
      sum([&](double pixels, double m, double s) { return s + pixels * (m - mean) * (m - mean); }) /
      count;
  for (int64_t c = first; c < first + channels; ++c) {
    const auto i = static_cast<size_t>(c);
    const double weight = desc.affine ? static_cast<double>(args.weight[i]) : 1.0;
    const double bias = desc.affine ? static_cast<double>(args.bias[i]) : 0.0;
    const double scale = weight / std::sqrt(variance + desc.eps);
    args.output.at(n, c, 0, 0) = static_cast<float>(scale);
    args.output.at(n, c, 1, 0) = static_cast<float>(bias - (pivot + mean) * scale);
  }
}

}  // namespace

int64_t workspace_elements(const Desc& desc, const Shape& input) {
  static_cast<void>(output_shape(desc, input));
  return checked_product({input.n(), tiles_of(input), 2, storage_channels(input.c())});
}

void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel) {
  const Shape& in = args.input.shape;
  const int64_t stored = storage_channels(in.c());
  if (static_cast<int64_t>(args.workspace.size()) < workspace_elements(desc, in)) {
    throw Error(ErrorCode::internal, to_string(desc) + ": the workspace is too small");
  }
  simd::TileMoments* const tile_moments = simd::tile_moments(isa);
  const int64_t tiles = tiles_of(in);
  const int64_t size = tile_pixels(in);
  const int64_t task_tiles = std::max<int64_t>(kTaskElements / (size * stored), 1);
  const int64_t chunks = divide_up(tiles, task_tiles);
  parallel.parallel_for(in.n() * chunks, [&](int64_t task) {
    const int64_t n = task / chunks;
    const int64_t end = std::min(tiles, (task % chunks + 1) * task_tiles);
    const float* picture = args.input.pixel(n, 0, 0);
    for (int64_t t = task % chunks * task_tiles; t < end; ++t) {
      float* mean = args.workspace.data() + (n * tiles + t) * 2 * stored;
      tile_moments({.pivot = picture,
                    .input = picture + t * size * args.input.pitch,
                    .pitch = args.input.pitch,
                    .pixels = std::min(size, in.h() * in.w() - t * size),
                    .stored = stored,
                    .mean = mean,
                    .squares = mean + stored});
    }
  });
  parallel.parallel_for(in.n() * desc.groups, [&](int64_t task) {
    gather(desc, args, task / desc.groups, task % desc.groups);
  });
  for (int64_t n = 0; n < in.n(); ++n) {
    for (int64_t row = 0; row < 2; ++row) {
      float* pixel = args.output.pixel(n, row, 0);
      std::fill(pixel + in.c(), pixel + stored, 0.0f);
    }
  }
}

}  // namespace kintsugi::norm
#endif
