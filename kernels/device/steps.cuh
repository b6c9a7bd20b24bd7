// SPDX-License-Identifier: MIT
//
// The interpreter of a step list (bound_steps.h) on the device. All threads of a launch take the same
// branch. Values are f32 whatever their storage. It knows no layout but NHWC, and no op; kernels hand
// it neighbouring channels of one pixel, and of a gate's halves those that belong together.
#pragma once

#include <cstdint>

#include "kernels/core/normal_tail.h"
#include "kernels/device/bound_steps.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/numeric.cuh"

namespace kintsugi::device {

/// Where a run of channels stands: channel `k` on, of pixel number `pixel`, of sample `n`.
struct Site {
  int64_t n = 0;
  int64_t pixel = 0;
  int k = 0;
  /// Not 0 where k begins no group of 16 bytes: channels are read one by one, none from `end` on.
  int end = 0;
};

template <int kCount>
KIN_DEVICE void read_floats(const float* from, float (&to)[kCount]) {
  for (int i = 0; i < kCount; i += 4) {
    const Pack<float> pack = load_pack(from + i);
    for (int j = 0; j < 4; ++j) to[i + j] = pack.x[j];
  }
}

/// As many of them as there are; zeros behind.
template <typename T, int kCount>
KIN_DEVICE void read_some(const T* from, int count, float (&to)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) to[i] = i < count ? to_float(load(from + i)) : 0.0f;
}

/// `kCount` neighbouring channels of a step's operand.
template <typename T, int kCount>
KIN_DEVICE void read_operand(const StepOperand& operand, Extent extent, const Site& at,
                             float (&to)[kCount]) {
  if (extent == Extent::tensor) {
    static_assert(Pack<T>::kCount == kCount);
    const T* from = static_cast<const T*>(operand.data) + at.pixel * operand.pitch + at.k;
    if (at.end != 0) return read_some(from, at.end - at.k, to);
    const Pack<T> pack = load_pack(from);
    for (int i = 0; i < kCount; ++i) to[i] = to_float(pack.x[i]);
  } else if (extent == Extent::pixel) {
    const float value = load(static_cast<const float*>(operand.data) + at.pixel * operand.pitch);
    for (int i = 0; i < kCount; ++i) to[i] = value;
  } else {
    const int64_t sample = extent == Extent::sample_channel ? at.n * operand.pitch : 0;
    const float* from = static_cast<const float*>(operand.data) + sample + at.k;
    if (at.end != 0) return read_some(from, at.end - at.k, to);
    read_floats(from, to);
  }
}

KIN_DEVICE float exponential(float x) { return exp2(x * 1.4426950408889634f); }

/// exp(x) - 1 with a small relative error: near zero, where the difference would keep nothing but the
/// rounding of exp, by its series.
KIN_DEVICE float expm1(float x) {
  float tail = 1.0f / 40320;
  tail = fma(tail, x, 1.0f / 5040);
  tail = fma(tail, x, 1.0f / 720);
  tail = fma(tail, x, 1.0f / 120);
  tail = fma(tail, x, 1.0f / 24);
  tail = fma(tail, x, 1.0f / 6);
  tail = fma(tail, x, 0.5f);
  const float near_zero = fma(x * x, tail, x);
  return x > -0.5f && x < 0.5f ? near_zero : exponential(x) - 1.0f;
}
/// Beyond 10 it is 1 in f32.
KIN_DEVICE float tanh(float x) {
  const float e = expm1(2.0f * (x > 10.0f ? 10.0f : x));
  return e * rcp(e + 2.0f);
}

/// By the tail of the normal distribution (kernels/core/normal_tail.h), which is 0 from 14.5 on.
KIN_DEVICE float gelu(float x) {
  float a = x < 0 ? -x : x;
  if (a > 14.5f) a = 14.5f;
  // The exponent of two, -a^2 / (2 ln 2), and in `rest` its rounding error.
  constexpr float kScale = -0.72134752f;
  constexpr float kScaleRest = -9.6298149e-9f;
  const float square = a * a;
  const float exponent = square * kScale;
  const float rest =
      fma(fma(a, a, -square), kScale, fma(square, kScaleRest, fma(square, kScale, -exponent)));
  const float s = (a - NormalTail::kMiddle) * rcp(a + NormalTail::kMiddle);
  constexpr NormalTail kTail;
  float tail = kTail.coefficient[NormalTail::kDegree];
#pragma unroll
  for (int i = NormalTail::kDegree - 1; i >= 0; --i) tail = fma(tail, s, kTail.coefficient[i]);
  tail *= exp2(exponent);
  tail = fma(tail, 0.69314718f * rest, tail);
  return fma(-a, tail, x > 0 ? x : 0 * x);
}

// The rows of functions.def, on a value and the slope.
KIN_DEVICE float evaluate(Is<Function::identity>, float x, float) { return x; }
KIN_DEVICE float evaluate(Is<Function::relu>, float x, float) {
  return x < 0 ? 0.0f : x;  // a NaN stays one
}
KIN_DEVICE float evaluate(Is<Function::leaky_relu>, float x, float slope) {
  return x < 0 ? slope * x : x;
}
KIN_DEVICE float evaluate(Is<Function::elu>, float x, float) { return x < 0 ? expm1(x) : x; }
KIN_DEVICE float evaluate(Is<Function::sigmoid>, float x, float) {
  return rcp(1.0f + exponential(-x));
}
KIN_DEVICE float evaluate(Is<Function::tanh>, float x, float) { return tanh(x); }
KIN_DEVICE float evaluate(Is<Function::silu>, float x, float) {
  return x * rcp(1.0f + exponential(-x));
}
KIN_DEVICE float evaluate(Is<Function::gelu>, float x, float) { return gelu(x); }
KIN_DEVICE float evaluate(Is<Function::rsqrt>, float x, float) { return rsqrt(x); }
KIN_DEVICE float evaluate(Is<Function::hard_swish>, float x, float) {
  // The factor first: it is at most 1, and x * 6 could overflow.
  const float part = x + 3.0f;
  return x * ((part < 0 ? 0.0f : part > 6.0f ? 6.0f : part) * (1.0f / 6));
}

KIN_DEVICE float evaluate(Function function, float x, float slope) {
  switch (function) {
#define KINTSUGI_FUNCTION(name, takes_slope, formula) \
  case Function::name:                                \
    return evaluate(Is<Function::name>(), x, slope);
#include "kernels/core/functions.def"
  }
  return x;
}

/// Steps [first, last) on neighbouring channels of one pixel, in order; no gate among them.
template <typename T, int kCount>
KIN_DEVICE void apply(const BoundSteps& steps, int first, int last, const Site& at,
                      float (&value)[kCount]) {
  for (int s = first; s < last; ++s) {
    const BoundStep& step = steps.step[s];
    // Apart from the others: it reads no operand, so a and b take no registers meanwhile.
    if (step.kind == Step::Kind::activate) {
      for (int i = 0; i < kCount; ++i) value[i] = evaluate(step.function, value[i], step.a);
      continue;
    }
    float a[kCount];
    float b[kCount];
    for (int i = 0; i < kCount; ++i) {
      a[i] = step.a;
      b[i] = step.b;
    }
    if (step.extent != Extent::scalar) {
      read_operand<T>(step.first, step.extent, at, a);
      if (step.kind == Step::Kind::affine) read_operand<T>(step.second, step.extent, at, b);
    }
    for (int i = 0; i < kCount; ++i) {
      switch (step.kind) {
        case Step::Kind::add: value[i] += a[i]; break;
        case Step::Kind::mul: value[i] *= a[i]; break;
        case Step::Kind::affine: value[i] = fma(value[i], a[i], b[i]); break;
        case Step::Kind::clamp:
          value[i] = value[i] < a[i] ? a[i] : value[i] > b[i] ? b[i] : value[i];
          break;
        case Step::Kind::prelu: value[i] = value[i] > 0 ? value[i] : value[i] * a[i]; break;
        case Step::Kind::activate: break;  // above
        case Step::Kind::gate: break;      // apply_gated
      }
    }
  }
}

/// All of them.
template <typename T, int kCount>
KIN_DEVICE void apply(const BoundSteps& steps, const Site& at, float (&value)[kCount]) {
  apply<T>(steps, 0, steps.count, at, value);
}

/// All steps on neighbouring channels of one pixel, which has `channels` after the last step, and where
/// one of the steps is a gate as many again before it: those are the gates of the first.
/// read(of_gates, value) fetches the channels at `at`, or their gates; gate(i) is where one of these may
/// stand meanwhile.
template <typename T, int kCount, typename Read, typename Gate>
KIN_DEVICE void apply_gated(const BoundSteps& steps, const Site& at, int channels, const Read& read,
                            const Gate& gate, float (&value)[kCount]) {
  const bool gated = steps.gate >= 0;
  // Gates, then what they gate, then the pairs: one interpreter, not three.
  enum Turn { gates, features, pairs };
#pragma unroll 1
  for (int turn = gated ? gates : pairs; turn <= pairs; ++turn) {
    if (turn != pairs || !gated) read(turn == gates, value);
    Site site = at;
    if (turn == gates) {
      site.k += channels;
      if (channels % kCount != 0) site.end = 2 * channels;
    }
    apply<T>(steps, turn == pairs ? steps.gate + 1 : 0, turn == pairs ? steps.count : steps.gate,
             site, value);
    if (turn == pairs) break;
    const BoundStep& step = steps.step[steps.gate];
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      value[i] = evaluate(turn == gates ? step.gate : step.function, value[i],
                          turn == gates ? 0.0f : step.a);
      if (turn == gates) {
        gate(i) = value[i];
      } else {
        value[i] *= gate(i);
      }
    }
  }
}

}  // namespace kintsugi::device
