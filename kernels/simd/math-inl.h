// SPDX-License-Identifier: MIT
//
// exp, expm1, tanh, sigmoid and gelu of f32 vectors, within a few units in the last place; a NaN stays
// a NaN. The range is reduced to |r| <= ln(2)/2, where seven terms of the exponential series leave a
// relative error of 2e-8. expm1 keeps small results exact, which elu and tanh live on.
#if defined(KINTSUGI_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KINTSUGI_MATH_INL_H_
#undef KINTSUGI_MATH_INL_H_
#else
#define KINTSUGI_MATH_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/core/normal_tail.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using V = hn::Vec<F32>;

/// x limited to [low, high]; by comparison, because min and max hide a NaN on some machines.
HWY_INLINE V limit(V x, float low, float high) {
  const F32 d;
  const V lo = hn::Set(d, low), hi = hn::Set(d, high);
  x = hn::IfThenElse(hn::Lt(x, lo), lo, x);
  return hn::IfThenElse(hn::Gt(x, hi), hi, x);
}

/// exp(x) = scale * (1 + tail), scale a power of two; |x| below 88.
struct Exponential {
  V scale, tail;
};

/// x = n * ln(2) + r, n a whole number.
struct Reduced {
  V n, r;
};

HWY_INLINE Reduced reduce(V x) {
  const F32 d;
  const V n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504f)));
  // ln(2) in two parts, the first short enough for n * first to be exact.
  const V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  return {n, hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r)};
}

HWY_INLINE Exponential split_exp(const Reduced& x) {
  const F32 d;
  const hn::RebindToSigned<F32> di;
  const V n = x.n, r = x.r;
  V p = hn::Set(d, 1.0f / 5040);
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 720));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 120));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 24));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 6));
  p = hn::MulAdd(p, r, hn::Set(d, 0.5f));
  const V tail = hn::MulAdd(hn::Mul(r, r), p, r);
  const auto exponent = hn::Add(hn::NearestInt(n), hn::Set(di, 127));
  return {hn::BitCast(d, hn::ShiftLeft<23>(exponent)), tail};
}

HWY_INLINE V exp(V x) {
  const Exponential e = split_exp(reduce(limit(x, -87.0f, 88.0f)));
  return hn::MulAdd(e.scale, e.tail, e.scale);
}

HWY_INLINE V expm1(V x) {
  const F32 d;
  const Exponential e = split_exp(reduce(limit(x, -87.0f, 88.0f)));
  return hn::MulAdd(e.scale, e.tail, hn::Sub(e.scale, hn::Set(d, 1.0f)));
}

HWY_INLINE V sigmoid(V x) {
  const F32 d;
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, exp(hn::Neg(x))));
}

HWY_INLINE V tanh(V x) {
  const F32 d;
  const V magnitude = hn::Abs(x);
  // Beyond 10 the result is 1 in f32.
  const V e = expm1(limit(hn::Add(magnitude, magnitude), 0.0f, 20.0f));
  return hn::CopySign(hn::Div(e, hn::Add(e, hn::Set(d, 2.0f))), x);
}

/// By the tail of the normal distribution (kernels/core/normal_tail.h).
HWY_INLINE V gelu(V x) {
  const F32 d;
  const hn::RebindToUnsigned<F32> du;
  const V zero = hn::Zero(d);
  constexpr float kLast = 13.1875f;  // exp(-a^2 / 2) is a normal number
  const V magnitude = hn::Abs(x);
  const V a = limit(magnitude, 0.0f, kLast);
  // a^2 in two parts, the first exact: the square of a's leading 12 bits. The absolute error of an
  // exponent is the relative error of its exp.
  const V first = hn::BitCast(d, hn::And(hn::BitCast(du, a), hn::Set(du, 0xfffff000u)));
  const V half = hn::Set(d, -0.5f);
  Reduced exponent = reduce(hn::Mul(hn::Mul(first, first), half));
  exponent.r = hn::Add(exponent.r, hn::Mul(hn::Mul(hn::Sub(a, first), hn::Add(a, first)), half));
  const Exponential e = split_exp(exponent);
  const V middle = hn::Set(d, NormalTail::kMiddle);
  const V s = hn::Div(hn::Sub(a, middle), hn::Add(a, middle));
  constexpr NormalTail kTail;
  V tail = hn::Set(d, kTail.coefficient[NormalTail::kDegree]);
  for (int i = NormalTail::kDegree - 1; i >= 0; --i) {
    tail = hn::MulAdd(tail, s, hn::Set(d, kTail.coefficient[i]));
  }
  tail = hn::Mul(tail, hn::MulAdd(e.scale, e.tail, e.scale));
  tail = hn::IfThenZeroElse(hn::Gt(magnitude, hn::Set(d, kLast)), tail);
  return hn::NegMulAdd(a, tail, hn::IfThenElse(hn::Gt(x, zero), x, hn::Mul(x, zero)));
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
