// SPDX-License-Identifier: MIT
//
// The step interpreter every CPU kernel ends with: each step is one pass over a tile in scratch
// memory (L1), then the tile is stored. One implementation for all ops, so a fused step and the
// same step as a node of its own round alike.
#if defined(KINTSUGI_STEPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KINTSUGI_STEPS_INL_H_
#undef KINTSUGI_STEPS_INL_H_
#else
#define KINTSUGI_STEPS_INL_H_
#endif

#include "kernels/simd/math-inl.h"
#include "kernels/simd/steps.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

/// The first `count` lanes at `p`, zeros behind them; never touches memory beyond. Counts are
/// multiples of the channel granule, so only vectors wider than that need a mask (a masked load of
/// a narrow vector is a full load on some machines).
HWY_INLINE V load_first(const float* p, int64_t count) {
  const F32 d;
  if constexpr (hn::MaxLanes(F32()) > 4) {
    if (count < static_cast<int64_t>(hn::Lanes(d))) {
      return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(count)), d, p);
    }
  }
  return hn::LoadU(d, p);
}

/// The same for any positive count: gates of an odd number of channels begin between granules.
HWY_INLINE V load_some(const float* p, int64_t count) {
  if constexpr (hn::MaxLanes(F32()) <= kChannelGranule) {
    if (count < kChannelGranule) {
      HWY_ALIGN float values[kChannelGranule] = {};
      for (int64_t i = 0; i < count; ++i) values[i] = p[i];
      return hn::Load(F32(), values);
    }
  }
  return load_first(p, count);
}

HWY_INLINE void store_first(V v, float* p, int64_t count) {
  const F32 d;
  if constexpr (hn::MaxLanes(F32()) > 4) {
    if (count < static_cast<int64_t>(hn::Lanes(d))) {
      hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(count)), d, p);
      return;
    }
  }
  hn::StoreU(v, d, p);
}

/// What a step reads at the tile's pixel `i`, channels `c` and following.
template <Extent kExtent>
HWY_INLINE V fetch(const FloatOperand& operand, float scalar, const StepTile& t, int64_t i,
                   int64_t c) {
  const F32 d;
  const int64_t k = t.k0 + c;
  const int64_t left = round_up(t.channels, kChannelGranule) - k;
  const int64_t pixel = t.pixel + i * t.pixel_step;
  if constexpr (kExtent == Extent::scalar) return hn::Set(d, scalar);
  if constexpr (kExtent == Extent::channel) return load_some(operand.data + k, left);
  if constexpr (kExtent == Extent::sample_channel) {
    return load_some(operand.data + t.n * operand.pitch + k, left);
  }
  if constexpr (kExtent == Extent::pixel) return hn::Set(d, operand.data[pixel * operand.pitch]);
  if constexpr (kExtent == Extent::tensor) {
    return load_some(operand.data + pixel * operand.pitch + k, left);
  }
}

/// Replaces every vector of the tile by f(vector).
template <class F>
HWY_INLINE void for_each_vector(const StepTile& t, const F& f) {
  const F32 d;
  for (int64_t i = 0; i < t.pixels * t.width; i += static_cast<int64_t>(hn::Lanes(d))) {
    hn::Store(f(hn::Load(d, t.values + i)), d, t.values + i);
  }
}

/// The same with the step's operands: f(vector, a, b). Columns outermost: what a channel reads is
/// loaded once for all pixels.
template <Extent kExtent, class F>
HWY_INLINE void with_extent(const StepTile& t, const BoundStep& step, const F& f) {
  constexpr bool kPerPixel = kExtent == Extent::pixel || kExtent == Extent::tensor;
  const bool two = step.kind == Step::Kind::affine;
  const F32 d;
  for (int64_t c = 0; c < t.width; c += static_cast<int64_t>(hn::Lanes(d))) {
    V a = fetch<kExtent>(step.factor, step.a, t, 0, c);
    V b = two ? fetch<kExtent>(step.addend, step.b, t, 0, c) : hn::Zero(d);
    for (int64_t i = 0; i < t.pixels; ++i) {
      if constexpr (kPerPixel) {
        a = fetch<kExtent>(step.factor, step.a, t, i, c);
        if (two) b = fetch<kExtent>(step.addend, step.b, t, i, c);
      }
      float* p = t.values + i * t.width + c;
      hn::Store(f(hn::Load(d, p), a, b), d, p);
    }
  }
}

template <class F>
HWY_INLINE void with_operands(const StepTile& t, const BoundStep& step, const F& f) {
  switch (step.extent) {
    case Extent::scalar: return with_extent<Extent::scalar>(t, step, f);
    case Extent::channel: return with_extent<Extent::channel>(t, step, f);
    case Extent::sample_channel: return with_extent<Extent::sample_channel>(t, step, f);
    case Extent::pixel: return with_extent<Extent::pixel>(t, step, f);
    case Extent::tensor: return with_extent<Extent::tensor>(t, step, f);
  }
}

/// x > 0 or NaN: x, else 0.
HWY_INLINE V relu(V v) { return hn::IfThenZeroElse(hn::Le(v, hn::Zero(F32())), v); }
/// x > 0: x, else `below`; a comparison with a NaN is false.
HWY_INLINE V where_positive(V v, V below) {
  return hn::IfThenElse(hn::Gt(v, hn::Zero(F32())), v, below);
}

// The rows of functions.def, on a vector and the slope.
HWY_INLINE V evaluate(Is<Function::identity>, V v, V) { return v; }
HWY_INLINE V evaluate(Is<Function::relu>, V v, V) { return relu(v); }
HWY_INLINE V evaluate(Is<Function::leaky_relu>, V v, V slope) {
  return where_positive(v, hn::Mul(v, slope));
}
HWY_INLINE V evaluate(Is<Function::elu>, V v, V) { return where_positive(v, expm1(v)); }
HWY_INLINE V evaluate(Is<Function::sigmoid>, V v, V) { return sigmoid(v); }
HWY_INLINE V evaluate(Is<Function::tanh>, V v, V) { return tanh(v); }
HWY_INLINE V evaluate(Is<Function::silu>, V v, V) {
  // Below -88 sigmoid stays at 6e-39, where exp saturates; times a huge v that is not small.
  return hn::Mul(v, hn::IfThenZeroElse(hn::Lt(v, hn::Set(F32(), -88.0f)), sigmoid(v)));
}
HWY_INLINE V evaluate(Is<Function::gelu>, V v, V) { return gelu(v); }
HWY_INLINE V evaluate(Is<Function::rsqrt>, V v, V) {
  return hn::Div(hn::Set(F32(), 1.0f), hn::Sqrt(v));
}
HWY_INLINE V evaluate(Is<Function::hard_swish>, V v, V) {
  // The factor first: it is at most 1, and v * 6 could overflow.
  const F32 d;
  const V part = limit(hn::Add(v, hn::Set(d, 3.0f)), 0.0f, 6.0f);
  return hn::Mul(v, hn::Mul(part, hn::Set(d, 1.0f / 6)));
}

HWY_INLINE void activate(const StepTile& t, Function function, float below) {
  const V slope = hn::Set(F32(), below);
  if (function == Function::identity) return;
  switch (function) {
#define KINTSUGI_FUNCTION(name, takes_slope, formula) \
  case Function::name:                                \
    return for_each_vector(t, [&](V v) { return evaluate(Is<Function::name>(), v, slope); });
#include "kernels/core/functions.def"
  }
}

/// The steps [first, last), none of them a gate, in order, on the tile in place. Not inlined into its
/// callers: one copy, one rounding.
inline HWY_NOINLINE void apply_steps(const BoundSteps& steps, int first, int last,
                                     const StepTile& t) {
  for (int s = first; s < last; ++s) {
    const BoundStep& step = steps.items[s];
    switch (step.kind) {
      case Step::Kind::add:
        with_operands(t, step, [](V v, V a, V) { return hn::Add(v, a); });
        break;
      case Step::Kind::mul:
        with_operands(t, step, [](V v, V a, V) { return hn::Mul(v, a); });
        break;
      case Step::Kind::affine:
        with_operands(t, step, [](V v, V a, V b) { return hn::MulAdd(v, a, b); });
        break;
      case Step::Kind::activate: activate(t, step.function, step.a); break;
      case Step::Kind::clamp:
        for_each_vector(t, [&](V v) { return limit(v, step.a, step.b); });
        break;
      case Step::Kind::prelu:
        with_operands(t, step, [](V v, V a, V) { return where_positive(v, hn::Mul(v, a)); });
        break;
      case Step::Kind::gate: break;  // apply_gated's
    }
  }
}

/// All steps from `first` on, a gate among them. `t` is the tile of the results: its values are
/// their features before the first step, `gates` as many gates, K = t.channels channels further on.
inline HWY_NOINLINE void apply_gated(const BoundSteps& steps, int first, const StepTile& t,
                                     float* gates) {
  StepTile before = t;
  before.channels = 2 * t.channels;
  apply_steps(steps, first, steps.gate, before);
  before.k0 += t.channels;
  before.values = gates;
  apply_steps(steps, first, steps.gate, before);
  const BoundStep& gate = steps.items[steps.gate];
  activate(t, gate.function, gate.a);
  activate(before, gate.gate, 0);
  const F32 d;
  for (int64_t i = 0; i < t.pixels * t.width; i += static_cast<int64_t>(hn::Lanes(d))) {
    hn::Store(hn::Mul(hn::Load(d, t.values + i), hn::Load(d, gates + i)), d, t.values + i);
  }
  apply_steps(steps, steps.gate + 1, steps.count, t);
}

/// Writes the tile to the output; `pixel` is its first pixel's channel 0, `step` the distance to
/// the next. Channels from `channels` up to the granule are written as zeros.
HWY_INLINE void store_tile(const StepTile& t, float* pixel, int64_t step) {
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stored = round_up(t.channels, kChannelGranule) - t.k0;
  const int64_t valid = t.channels - t.k0;
  for (int64_t c = 0; c < t.width && c < stored; c += lanes) {
    const int64_t kept = valid - c < lanes ? valid - c : lanes;  // FirstN counts modulo 256
    const auto keep = hn::FirstN(d, static_cast<size_t>(kept));
    const int64_t count = stored - c;
    for (int64_t i = 0; i < t.pixels; ++i) {
      const V v = hn::IfThenElseZero(keep, hn::Load(d, t.values + i * t.width + c));
      store_first(v, pixel + i * step + t.k0 + c, count);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
