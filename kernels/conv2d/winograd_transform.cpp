// SPDX-License-Identifier: MIT
//
// The transforms of Winograd's convolution F(4x4, 3x3).
//
// Math        patches  V = B' steps(x) B     outputs  y = steps( A' m A )     for the points 0, 1, -1, 2,
//             -2 and infinity
// Shapes      x 6x6 pixels, V and m 36 rows of channels, y up to 4x4 pixels
// Tiling      a vector of channels at a time: six lines, then six columns
// Scratch     half a transform on the stack, 36 vectors; the outputs of 64 channels where steps
//             follow that are not done in registers, 4 KiB; with a gate their gates as well;
//             64 channels of a patch whose steps are not done in registers, 9 KiB
// Numerics    f32, one FMA or addition a term, in one order
// Roofline    288 FLOP a patch and channel over 36 loads and stores each, 100 FLOP a tile and
//             channel over 36 loads: bound by loads and stores from L1 and L2
// Limits      none
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv2d/winograd_transform.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/conv2d/winograd_transform.h"
#include "kernels/simd/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

/// B' x: six values of a line to the six points 0, 1, -1, 2, -2 and infinity.
HWY_INLINE void to_points(const V (&x)[6], V (&out)[6]) {
  const F32 d;
  const V two = hn::Set(d, 2.0f), four = hn::Set(d, 4.0f), five = hn::Set(d, 5.0f);
  const V even = hn::NegMulAdd(four, x[2], x[4]), odd = hn::NegMulAdd(four, x[1], x[3]);
  const V even2 = hn::Sub(x[4], x[2]), odd2 = hn::Sub(x[3], x[1]);
  out[0] = hn::NegMulAdd(five, x[2], hn::MulAdd(four, x[0], x[4]));
  out[1] = hn::Add(even, odd);
  out[2] = hn::Sub(even, odd);
  out[3] = hn::MulAdd(two, odd2, even2);
  out[4] = hn::NegMulAdd(two, odd2, even2);
  out[5] = hn::NegMulAdd(five, x[3], hn::MulAdd(four, x[1], x[5]));
}

/// A' m: the products at the six points to four outputs of a line.
HWY_INLINE void from_points(const V (&m)[6], V (&out)[4]) {
  const F32 d;
  const V even = hn::Add(m[1], m[2]), odd = hn::Sub(m[1], m[2]);
  const V even2 = hn::Add(m[3], m[4]), odd2 = hn::Sub(m[3], m[4]);
  out[0] = hn::Add(hn::Add(m[0], even), even2);
  out[1] = hn::MulAdd(hn::Set(d, 2.0f), odd2, odd);
  out[2] = hn::MulAdd(hn::Set(d, 4.0f), even2, even);
  out[3] = hn::Add(hn::MulAdd(hn::Set(d, 8.0f), odd2, odd), m[5]);
}

/// B' x B of one vector of channels; `load(i)` is that of pixel i.
template <class Load>
HWY_INLINE void transform_vector(const Load& load, float* point, int64_t step) {
  const F32 d;
  V half[6][6];
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) {
    V x[6], y[6];
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) x[j] = load(j * 6 + i);
    to_points(x, y);
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) half[j][i] = y[j];
  }
#pragma GCC unroll 6
  for (int j = 0; j < 6; ++j) {
    V y[6];
    to_points(half[j], y);
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i, point += step) {
      __builtin_prefetch(point + 32, 1);  // the tile before last left it in L3
      hn::StoreU(y[i], d, point);
    }
  }
}

/// B' x B of stored pixels, their channels whole granules.
HWY_NOINLINE void transform_pixels(const float* const* pixels, int64_t channels, float* out,
                                   int64_t step) {
  for (int64_t c = 0; c < channels; c += static_cast<int64_t>(hn::Lanes(F32()))) {
    transform_vector([&](int i) { return load_first(pixels[i] + c, channels - c); }, out + c, step);
  }
}

/// What a norm leaves for its reader, x * a + b of each sample's channels, and often a relu, in
/// registers by the operations of steps-inl.h.
template <bool kRectify, bool kInside>
HWY_NOINLINE void transform_normed(const WinogradPatch& p) {
  const F32 d;
  const int64_t stored = round_up(p.channels, kChannelGranule);
  const BoundStep& affine = p.steps->items[0];
  const float* factor = affine.factor.data + p.n * affine.factor.pitch;
  const float* addend = affine.addend.data + p.n * affine.addend.pitch;
  for (int64_t c = 0; c < stored; c += static_cast<int64_t>(hn::Lanes(d))) {
    const V a = load_first(factor + c, stored - c), b = load_first(addend + c, stored - c);
    transform_vector(
        [&](int i) {
          if (!kInside && p.indices[i] < 0) return hn::Zero(d);
          const V x = hn::MulAdd(load_first(p.pixels[i] + c, stored - c), a, b);
          return kRectify ? relu(x) : x;
        },
        p.out + c, p.step);
  }
}

/// Any other steps, on pixels in scratch.
HWY_NOINLINE void transform_stepped(const WinogradPatch& p) {
  constexpr int64_t kChannels = 64;  // at once
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stored = round_up(p.channels, kChannelGranule);
  bool per_pixel = false;
  for (int s = 0; s < p.steps->count; ++s) {
    const Extent extent = p.steps->items[s].extent;
    per_pixel = per_pixel || extent == Extent::pixel || extent == Extent::tensor;
  }
  HWY_ALIGN float values[36 * kChannels];
  const float* pixels[36];
  StepTile place;
  place.n = p.n;
  place.channels = p.channels;
  for (place.k0 = 0; place.k0 < stored; place.k0 += kChannels) {
    const int64_t left = stored - place.k0;
    place.width = left < kChannels ? round_up(left, lanes) : kChannels;
    place.values = values;
    for (int i = 0; i < 36; ++i) {
      for (int64_t c = 0; c < place.width; c += lanes) {
        hn::Store(load_first(p.pixels[i] + place.k0 + c, left - c), d,
                  values + i * place.width + c);
      }
    }
    if (per_pixel) {
      place.pixels = 1;
      for (int i = 0; i < 36; ++i, place.values += place.width) {
        place.pixel = p.indices[i];
        if (place.pixel >= 0) apply_steps(*p.steps, 0, p.steps->count, place);
      }
    } else {
      place.pixels = 36;
      apply_steps(*p.steps, 0, p.steps->count, place);
    }
    const int64_t valid = p.channels - place.k0;  // pads stay zero
    for (int i = 0; i < 36; ++i) {
      float* pixel = values + i * place.width;
      for (int64_t c = p.indices[i] < 0 ? 0 : valid; c < place.width; ++c) pixel[c] = 0;
      pixels[i] = pixel;
    }
    transform_pixels(pixels, left < kChannels ? left : kChannels, p.out + place.k0, p.step);
  }
}

void transform_patch(const WinogradPatch& p) {
  const BoundStep* step = p.steps->items;
  if (p.steps->count == 0) {
    return transform_pixels(p.pixels, round_up(p.channels, kChannelGranule), p.out, p.step);
  }
  const bool rectify = p.steps->count == 2 && step[1].kind == Step::Kind::activate &&
                       step[1].function == Function::relu;
  if (step[0].kind != Step::Kind::affine || step[0].extent != Extent::sample_channel ||
      p.steps->count != (rectify ? 2 : 1)) {
    return transform_stepped(p);
  }
  bool inside = true;
  for (int i = 0; i < 36; ++i) inside = inside && p.indices[i] >= 0;
  if (rectify) {
    return inside ? transform_normed<true, true>(p) : transform_normed<true, false>(p);
  }
  return inside ? transform_normed<false, true>(p) : transform_normed<false, false>(p);
}

/// A' m A of a tile for one vector of channels: out[row][column].
HWY_INLINE void transform_products(const float* product, int64_t step, V (&out)[4][4]) {
  const F32 d;
  V half[6][4];
#pragma GCC unroll 6
  for (int j = 0; j < 6; ++j) {
    V m[6];
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i, product += step) m[i] = hn::LoadU(d, product);
    from_points(m, half[j]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    V m[6], y[4];
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) m[j] = half[j][i];
    from_points(m, y);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) out[j][i] = y[j];
  }
}

constexpr int64_t kChunk = 64;  // channels that pass through scratch at once

/// Of a list with a gate: K features in `product`, and their gates K further on, all through L1.
HWY_NOINLINE void finish_gated(const WinogradOutput& t) {
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN float features[16 * kChunk];
  HWY_ALIGN float gates[16 * kChunk];
  StepTile place = t.place;
  for (place.k0 = 0; place.k0 < place.channels; place.k0 += kChunk) {
    const int64_t left = round_up(place.channels - place.k0, lanes);
    place.width = left < kChunk ? left : kChunk;
    for (int half = 0; half < 2; ++half) {
      float* values = half == 0 ? features : gates;
      const int64_t k0 = place.k0 + half * place.channels;
      for (int64_t c = 0; c < place.width; c += lanes) {
        V y[4][4];
        transform_products(t.product + k0 + c, t.product_step, y);
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) hn::Store(y[i / 4][i % 4], d, values + i * place.width + c);
      }
    }
    place.pixels = t.columns;
    for (int64_t row = 0; row < t.rows; ++row) {
      place.values = features + row * 4 * place.width;
      place.pixel = t.place.pixel + row * t.row_pixels;
      apply_gated(*t.steps, 0, place, gates + row * 4 * place.width);
      store_tile(place, t.output + row * t.row_step, t.column_step);
    }
  }
}

/// What most convolutions end with, nothing, a bias, a relu or both, is done before the values
/// leave the registers, by the operations of steps-inl.h; the steps behind it pass through L1.
void finish_tile(const WinogradOutput& t) {
  if (t.steps->gate >= 0) return finish_gated(t);
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const BoundStep* step = t.steps->items;
  int done = 0;
  const bool bias = done < t.steps->count && step[done].kind == Step::Kind::add &&
                    step[done].extent == Extent::channel;
  const BoundStep& bias_step = step[0];
  done += bias ? 1 : 0;
  const bool rectify = done < t.steps->count && step[done].kind == Step::Kind::activate &&
                       step[done].function == Function::relu;
  done += rectify ? 1 : 0;

  HWY_ALIGN float values[16 * kChunk];
  StepTile place = t.place;
  place.values = values;
  const int64_t stored = round_up(place.channels, kChannelGranule);
  for (int64_t k0 = 0; k0 < stored; k0 += kChunk) {
    const int64_t left = round_up(stored - k0, lanes);
    place.k0 = k0;
    place.width = left < kChunk ? left : kChunk;
    const bool whole = done == t.steps->count && k0 + place.width <= place.channels;
    for (int64_t c = 0; c < place.width; c += lanes) {
      V y[4][4];
      transform_products(t.product + k0 + c, t.product_step, y);
      if (bias) {
        const V b = fetch<Extent::channel>(bias_step.factor, 0, place, 0, c);
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) y[i / 4][i % 4] = hn::Add(y[i / 4][i % 4], b);
      }
      if (rectify) {
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) y[i / 4][i % 4] = relu(y[i / 4][i % 4]);
      }
      if (whole && t.rows == 4 && t.columns == 4) {
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) {
          float* pixel = t.output + i / 4 * t.row_step + i % 4 * t.column_step + k0 + c;
          hn::StoreU(y[i / 4][i % 4], d, pixel);
          __builtin_prefetch(pixel + t.to_next, 1);
        }
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) hn::Store(y[i / 4][i % 4], d, values + i * place.width + c);
      }
    }
    if (whole && t.rows == 4 && t.columns == 4) continue;
    place.pixels = t.columns;
    for (int64_t row = 0; row < t.rows; ++row) {
      place.values = values + row * 4 * place.width;
      place.pixel = t.place.pixel + row * t.row_pixels;
      apply_steps(*t.steps, done, t.steps->count, place);
      store_tile(place, t.output + row * t.row_step, t.column_step);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kintsugi::simd {

WinogradTransform* winograd_transform(Isa isa) { KINTSUGI_SELECT(isa, transform_patch); }
WinogradFinish* winograd_finish(Isa isa) { KINTSUGI_SELECT(isa, finish_tile); }

}  // namespace kintsugi::simd
#endif
