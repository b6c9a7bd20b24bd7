// SPDX-License-Identifier: MIT
//
// The register tile of the convolutions.
//
// Math        sum[i][k] = sum over runs, channels c of  pixel_i[c] * w[c][k];  then steps and store
// Shapes      kPixels pixels of one output row by kVectors vectors of output channels
// Layout      input NHWC; weights [channel][block]: a weight row is kVectors loads
// Tiling      all sums live in registers from the first tap to the last; a channel costs kVectors
//             weight loads, kPixels broadcasts, kPixels * kVectors FMAs. Channels are unrolled by 4
//             (the storage granule), so the pointers of bent runs are loaded once in four. Of pictures
//             with three channels the fourth, a pad, is passed over.
// Gates       half of the columns are gates of the others: their sums meet in scratch
// Scratch     the finished tile, [kPixels][kVectors * lanes] f32 on the stack: at most 1.7 KiB, with
//             gates twice
// Numerics    f32, one FMA (multiply, then add where there is none) per element and channel in the
//             order of the runs, whatever the tile's size: bits do not depend on the tiling
// Roofline    2 * kPixels * kVectors * lanes FLOP a channel, over kVectors vectors of weights from
//             L2 and kPixels floats from L1: with 13x2 AVX-512 vectors 26 FMAs for 15 loads
// Limits      channel counts of runs are multiples of 4
#include <utility>

#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd/tile.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/simd/steps-inl.h"
#include "kernels/simd/tile.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

/// The steps from `done` on of a tile whose columns are features, then gates, and its store.
HWY_NOINLINE void finish_gated(const TileTask& task, int done, const float* values, int64_t pixels,
                               int64_t width) {
  constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(F32()));
  const F32 d;
  HWY_ALIGN float features[kMaxTilePixels * kLanes];
  HWY_ALIGN float gates[kMaxTilePixels * kLanes];
  for (int64_t i = 0; i < pixels; ++i) {
    hn::Store(hn::LoadU(d, values + i * width), d, features + i * kLanes);
    hn::Store(hn::LoadU(d, values + i * width + width / 2), d, gates + i * kLanes);
  }
  StepTile place = task.place;
  place.values = features;
  place.width = kLanes;
  apply_gated(*task.steps, done, place, gates);
  store_tile(place, task.output, task.output_step);
}

template <int kPixels, int kVectors>
struct Tile {
  static constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(F32()));
  static constexpr int64_t kWidth = kVectors * kLanes;

  V sum[kPixels][kVectors];

  /// One input channel: `x(i)` is the address of pixel i's value.
  template <class Address>
  HWY_INLINE void accumulate(const float* weight, const Address& x) {
    const F32 d;
    V w[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) w[v] = hn::LoadU(d, weight + v * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kPixels; ++i) {
      const V value = hn::Set(d, *x(i));
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[i][v] = hn::MulAdd(value, w[v], sum[i][v]);
    }
  }

  /// kUsed: channels of every four that are not zeros throughout; the weights of the others are passed over.
  template <int kUsed>
  HWY_INLINE void straight(const Run& run, const TileTask& task) {
    const float* weight = task.weight + run.weight;
    const float* x = run.pixel + task.shift;
    const float* ahead = task.ahead != nullptr ? task.ahead : weight;
    for (const float* end = x + run.channels; x != end; x += 4) {
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c, weight += task.weight_step) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += task.ahead_step;
        if (c < kUsed) accumulate(weight, [&](int i) { return x + i * task.pixel_step + c; });
      }
    }
  }

  template <int kUsed>
  HWY_INLINE void bent(const Run& run, const TileTask& task) {
    const float* weight = task.weight + run.weight;
    for (int64_t c0 = 0; c0 < run.channels; c0 += 4) {
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c, weight += task.weight_step) {
        if (c < kUsed) accumulate(weight, [&](int i) { return run.pixels[i] + c0 + c; });
      }
    }
  }

  template <int kUsed>
  HWY_INLINE void sum_runs(const TileTask& task) {
    for (const Run* r = task.runs; r != task.runs + task.run_count; ++r) {
      if (r->pixels == nullptr) {
        straight<kUsed>(*r, task);
      } else {
        bent<kUsed>(*r, task);
      }
    }
  }

  /// What most convolutions end with, a bias and a relu, done before the sums leave the registers:
  /// the same operations as in steps-inl.h. Returns the number of steps that are done.
  HWY_INLINE int finish_in_registers(const TileTask& task) {
    if (kVectors == 1 && task.gates != 0) return 0;  // a vector of both halves
    const BoundStep* step = task.steps->items;
    const int64_t next = task.gates != 0 ? task.gates : kLanes;  // channel of the second vector
    const int64_t stored = round_up(task.place.channels + task.gates, kChannelGranule);
    int done = 0;
    if (done < task.steps->count && step->kind == Step::Kind::add &&
        step->extent == Extent::channel) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        const int64_t k = task.place.k0 + v * next;
        const V bias = load_some(step->factor.data + k, stored - k);
#pragma GCC unroll 16
        for (int i = 0; i < kPixels; ++i) sum[i][v] = hn::Add(sum[i][v], bias);
      }
      ++step, ++done;
    }
    if (done < task.steps->count && step->kind == Step::Kind::activate &&
        step->function == Function::relu) {
#pragma GCC unroll 16
      for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) sum[i][v] = relu(sum[i][v]);
      }
      ++done;
    }
    return done;
  }

  /// Stores the sums where the tile's channels are whole vectors; false where they are not.
  HWY_INLINE bool store_in_place(const TileTask& task) {
    const F32 d;
    if (task.place.channels - task.place.k0 < kWidth) return false;
    float* pixel = task.output + task.place.k0;
#pragma GCC unroll 16
    for (int i = 0; i < kPixels; ++i, pixel += task.output_step) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) hn::StoreU(sum[i][v], d, pixel + v * kLanes);
    }
    return true;
  }

  static void run(const TileTask& task) {
    const F32 d;
    Tile tile;
#pragma GCC unroll 16
    for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) tile.sum[i][v] = hn::Zero(d);
    }
    if (task.three) {
      tile.template sum_runs<3>(task);
    } else {
      tile.template sum_runs<4>(task);
    }
    const int done = tile.finish_in_registers(task);
    if (done == task.steps->count && tile.store_in_place(task)) return;
    HWY_ALIGN float values[kPixels * kWidth + kLanes];  // a gated row's second half ends beyond it
#pragma GCC unroll 16
    for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        hn::Store(tile.sum[i][v], d, values + i * kWidth + v * kLanes);
      }
    }
    if (task.gates != 0) return finish_gated(task, done, values, kPixels, kWidth);
    StepTile place = task.place;
    place.values = values;
    place.width = kWidth;
    apply_steps(*task.steps, done, task.steps->count, place);
    store_tile(place, task.output, task.output_step);
  }
};

/// The tile of so many pixels, from a table of 1, 2, .. pixels.
template <int kVectors, int... kLess>
TileFunction* tile_of(int64_t pixels, std::integer_sequence<int, kLess...>) {
  static constexpr TileFunction* kTiles[] = {&Tile<kLess + 1, kVectors>::run...};
  return pixels >= 1 && pixels <= int64_t{sizeof...(kLess)} ? kTiles[pixels - 1] : nullptr;
}

template <int kVectors>
TileFunction* tile_of(int64_t pixels) {
  constexpr Isa kIsa = HWY_TARGET == HWY_AVX3   ? Isa::avx512
                       : HWY_TARGET == HWY_NEON ? Isa::neon
                                                : Isa::avx2;  // and the others of 16 registers
  constexpr auto kMost = static_cast<int>(max_tile_pixels(kIsa, kVectors));
  return tile_of<kVectors>(pixels, std::make_integer_sequence<int, kMost>());
}

TileFunction* select_tile(int64_t pixels, int64_t vectors) {
  return vectors == 2 ? tile_of<2>(pixels) : tile_of<1>(pixels);
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kintsugi::simd {
namespace {

using Selector = TileFunction*(int64_t, int64_t);

Selector* selector(Isa isa) { KINTSUGI_SELECT(isa, select_tile); }

}  // namespace

TileFunction* tile_function(Isa isa, int64_t pixels, int64_t vectors) {
  TileFunction* function = selector(isa)(pixels, vectors);
  if (function == nullptr) {
    throw Error(ErrorCode::internal, std::string("no ") + to_string(isa) + " tile of " +
                                         std::to_string(pixels) + " by " + std::to_string(vectors));
  }
  return function;
}

}  // namespace kintsugi::simd
#endif
