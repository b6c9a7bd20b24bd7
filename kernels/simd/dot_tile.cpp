// SPDX-License-Identifier: MIT
//
// The register tile of convolutions with few output channels: its vectors lie along the input's channels,
// where tile.cpp's lie along the output's and would be nearly empty.
//
// Math        sum[i][k] = sum over runs, channels c of  pixel_i[c] * w[c][k];  then steps and store
// Shapes      kPixels pixels of one output row by all kOutputs channels, 4 at most: one granule
// Layout      input NHWC; weights [vector of channels][kOutputs][lanes], zero behind the last channel
// Tiling      a vector of partial sums for each pixel and output lives in registers from the first tap to
//             the last; a vector of channels costs kOutputs + kPixels loads for kPixels * kOutputs FMAs.
//             Of a vector that the channels do not fill only those stored are loaded
// Scratch     the finished tile, [kPixels][4] f32 on the stack; where a step reads an operand (but a bias
//             in front) [kPixels][lanes]
// Numerics    f32; lane l sums the channels l, l + lanes, .. of every tap in the order of the runs, one
//             FMA each (multiply, then add where there is none). Lanes are added in one order: (0 + 2) +
//             (1 + 3) of each four, then the upper half of these sums to the lower until one is
//             left. Bits do not depend on the tile's size, but on the vector's
// Roofline    2 * kPixels * kOutputs * lanes FLOP a vector, over kOutputs vectors of weights and kPixels
//             of inputs: with 8x3 AVX-512 vectors 24 FMAs for 11 loads
// Limits      4 outputs, no gate; channel counts of runs are multiples of 4
#include <algorithm>
#include <utility>

#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd/dot_tile.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/simd/steps-inl.h"
#include "kernels/simd/tile.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

static_assert(kDotOutputs == kChannelGranule);
using Granule = hn::FixedTag<float, kDotOutputs>;
using Outputs = hn::Vec<Granule>;  // of one pixel

/// [a0+a2, b0+b2, a1+a3, b1+b3] of every four lanes.
HWY_INLINE V add_pairs(V a, V b) {
  const F32 d;
  return hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
}

/// The four lanes' sums, over all groups of four.
template <class D>
HWY_INLINE Outputs add_groups(D, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) > kDotOutputs) {
    const hn::Half<D> half;
    return add_groups(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    return v;
  }
}

/// The sums of a, b, c and d over their lanes.
HWY_INLINE Outputs add_lanes(V a, V b, V c, V d) {
  const F32 f32;
  const hn::Repartition<uint64_t, F32> pairs;
  const auto ab = hn::BitCast(pairs, add_pairs(a, b));
  const auto cd = hn::BitCast(pairs, add_pairs(c, d));
  return add_groups(f32, hn::Add(hn::BitCast(f32, hn::InterleaveLower(pairs, ab, cd)),
                                 hn::BitCast(f32, hn::InterleaveUpper(pairs, ab, cd))));
}

/// Whether the steps from `first` on treat every value alike, wherever it stands.
HWY_INLINE bool position_free(const BoundSteps& steps, int first) {
  for (int s = first; s < steps.count; ++s) {
    if (steps.items[s].extent != Extent::scalar) return false;
  }
  return true;
}

template <int kPixels, int kOutputs>
struct DotTile {
  static constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(F32()));
  static constexpr int64_t kValues = round_up(kPixels * kDotOutputs, kLanes);

  V sum[kPixels][kOutputs];

  /// One vector of channels: `x(i)` is that of pixel i.
  template <class Load>
  HWY_INLINE void accumulate(const float* weight, const Load& x) {
    const F32 d;
    V w[kOutputs];
#pragma GCC unroll 4
    for (int k = 0; k < kOutputs; ++k) w[k] = hn::LoadU(d, weight + k * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; ++i) {
      const V value = x(i);
#pragma GCC unroll 4
      for (int k = 0; k < kOutputs; ++k) sum[i][k] = hn::MulAdd(value, w[k], sum[i][k]);
    }
  }

  HWY_INLINE void add(const Run& run, const TileTask& task) {
    const F32 d;
    const float* weight = task.weight + run.weight;
    const float* x[kPixels];
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; ++i) {
      x[i] = run.pixels != nullptr ? run.pixels[i] : run.pixel + task.shift + i * task.pixel_step;
    }
    int64_t c = 0;
    // A masked load stays in a register: g++ would read a plain one again for every output, and loads
    // would bound the loop. All lanes are there, which it cannot know.
    const auto whole = hn::FirstN(d, static_cast<size_t>(std::min(run.channels, kLanes)));
    for (; c + kLanes <= run.channels; c += kLanes, weight += kOutputs * kLanes) {
      accumulate(weight, [&](int i) {
        if constexpr (kLanes > 8) return hn::MaskedLoad(whole, d, x[i] + c);
        return hn::LoadU(d, x[i] + c);
      });
    }
    if constexpr (kLanes > kChannelGranule) {
      if (c == run.channels) return;
      const auto stored = hn::FirstN(d, static_cast<size_t>(run.channels - c));
      accumulate(weight, [&](int i) { return hn::MaskedLoad(stored, d, x[i] + c); });
    }
  }

  /// The steps and the store of what is in `values`, [kPixels][4] and zeros up to a vector.
  static void finish(const TileTask& task, int done, float* values) {
    const Granule d;
    StepTile place = task.place;
    if (!position_free(*task.steps, done)) {
      HWY_ALIGN float spread[kPixels * kLanes] = {};
      for (int i = 0; i < kPixels; ++i) {
        hn::Store(hn::Load(d, values + i * kDotOutputs), d, spread + i * kLanes);
      }
      place.values = spread;
      place.width = kLanes;
      apply_steps(*task.steps, done, task.steps->count, place);
      store_tile(place, task.output, task.output_step);
      return;
    }
    place.values = values;  // as a few whole vectors
    place.pixels = kValues / kLanes;
    place.width = kLanes;
    apply_steps(*task.steps, done, task.steps->count, place);
    const auto keep = hn::FirstN(d, kOutputs);
    for (int i = 0; i < kPixels; ++i) {
      const Outputs kept = hn::IfThenElseZero(keep, hn::Load(d, values + i * kDotOutputs));
      hn::StoreU(kept, d, task.output + i * task.output_step);
    }
  }

  static void run(const TileTask& task) {
    const F32 f32;
    const Granule d;
    DotTile tile;
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 4
      for (int k = 0; k < kOutputs; ++k) tile.sum[i][k] = hn::Zero(f32);
    }
    for (int64_t r = 0; r < task.run_count; ++r) tile.add(task.runs[r], task);
    // A bias is added before the sums leave the registers, as steps-inl.h would add it.
    const BoundStep& step = task.steps->items[0];
    const bool biased =
        task.steps->count > 0 && step.kind == Step::Kind::add && step.extent == Extent::channel;
    const Outputs bias = biased ? hn::LoadU(d, step.factor.data) : hn::Zero(d);
    HWY_ALIGN float values[kValues];
    hn::Store(hn::Zero(f32), f32, values + kValues - kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; ++i) {
      const V zero = hn::Zero(f32);
      const V* s = tile.sum[i];
      const Outputs sums =
          add_lanes(s[0], kOutputs > 1 ? s[1 % kOutputs] : zero,
                    kOutputs > 2 ? s[2 % kOutputs] : zero, kOutputs > 3 ? s[3 % kOutputs] : zero);
      // Without a bias nothing is added: -0 + 0 would be another zero.
      hn::Store(biased ? hn::Add(sums, bias) : sums, d, values + i * kDotOutputs);
    }
    finish(task, biased ? 1 : 0, values);
  }
};

/// The tile of so many pixels, from a table of 1, 2, .. pixels.
template <int kOutputs, int... kLess>
TileFunction* dot_tile_of(int64_t pixels, std::integer_sequence<int, kLess...>) {
  static constexpr TileFunction* kTiles[] = {&DotTile<kLess + 1, kOutputs>::run...};
  return pixels >= 1 && pixels <= int64_t{sizeof...(kLess)} ? kTiles[pixels - 1] : nullptr;
}

template <int kOutputs>
TileFunction* dot_tile_of(int64_t pixels) {
  constexpr Isa kIsa = HWY_TARGET == HWY_AVX3   ? Isa::avx512
                       : HWY_TARGET == HWY_NEON ? Isa::neon
                                                : Isa::avx2;  // and the others of 16 registers
  constexpr auto kMost = static_cast<int>(max_dot_pixels(kIsa, kOutputs));
  return dot_tile_of<kOutputs>(pixels, std::make_integer_sequence<int, kMost>());
}

TileFunction* select_dot_tile(int64_t pixels, int64_t outputs) {
  switch (outputs) {
    case 1: return dot_tile_of<1>(pixels);
    case 2: return dot_tile_of<2>(pixels);
    case 3: return dot_tile_of<3>(pixels);
    case 4: return dot_tile_of<4>(pixels);
    default: return nullptr;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kintsugi::simd {
namespace {

using Selector = TileFunction*(int64_t, int64_t);

Selector* selector(Isa isa) { KINTSUGI_SELECT(isa, select_dot_tile); }

}  // namespace

TileFunction* dot_tile_function(Isa isa, int64_t pixels, int64_t outputs) {
  TileFunction* function = selector(isa)(pixels, outputs);
  if (function == nullptr) {
    throw Error(ErrorCode::internal, std::string("no ") + to_string(isa) + " dot tile of " +
                                         std::to_string(pixels) + " by " + std::to_string(outputs));
  }
  return function;
}

}  // namespace kintsugi::simd
#endif
