// SPDX-License-Identifier: MIT
//
// layer_norm on the CPU.
//
// Math        y = (x - mean) / sqrt(variance + eps) * weight + bias, of each pixel (layer_norm.h)
// Shapes      x, y [N,C,H,W]   weight, bias [C]
// Layout      NHWC with a pitch; pad channels are read, and written as zeros
// Tiling      a task owns neighbouring rows; a pixel is done at once, in three passes over channels that
//             stay in L1
// Scratch     a vector
// Numerics    f32, of differences from the pixel's first channel, so that a large mean takes no digit;
//             sums of four vectors side by side, added lane after lane
// Roofline    8 FLOP over 8 bytes an element: bound by memory
// Limits      none beyond the contract
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/layer_norm/cpu.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/layer_norm/row.h"
#include "kernels/simd/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

/// add(sum, x - shift) over a pixel's channels, the pads left out; then all lanes.
template <class Add>
HWY_INLINE float sum_channels(const float* x, int64_t channels, V shift, const Add& add) {
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stored = round_up(channels, kChannelGranule);
  V part[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  int64_t c = 0;
  for (; c + 4 * lanes <= channels; c += 4 * lanes) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      part[j] = add(part[j], hn::Sub(hn::LoadU(d, x + c + j * lanes), shift));
    }
  }
  for (; c < channels; c += lanes) {
    const int64_t kept = channels - c < lanes ? channels - c : lanes;
    const V v = hn::Sub(load_first(x + c, stored - c), shift);
    part[0] = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(kept)), add(part[0], v), part[0]);
  }
  HWY_ALIGN float values[hn::MaxLanes(F32())];
  hn::Store(hn::Add(hn::Add(part[0], part[1]), hn::Add(part[2], part[3])), d, values);
  float sum = values[0];
  for (int64_t lane = 1; lane < lanes; ++lane) sum += values[lane];
  return sum;
}

void norm_row(const layer_norm::Row& row) {
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stored = round_up(row.channels, kChannelGranule);
  const float share = 1.0f / static_cast<float>(row.channels);
  for (int64_t i = 0; i < row.pixels; ++i) {
    const float* x = row.input + i * row.input_step;
    float* y = row.output + i * row.output_step;
    const float pivot = x[0];
    const float mean = share * sum_channels(x, row.channels, hn::Set(d, pivot),
                                            [](V sum, V v) { return hn::Add(sum, v); });
    // x - pivot - mean in two steps: the pivot and the mean together may not fit a float.
    const V center = hn::Set(d, mean);
    const float squares = sum_channels(x, row.channels, hn::Set(d, pivot), [center](V sum, V v) {
      const V difference = hn::Sub(v, center);
      return hn::MulAdd(difference, difference, sum);
    });
    const V scale = hn::Div(hn::Set(d, 1.0f), hn::Sqrt(hn::Set(d, squares * share + row.eps)));
    for (int64_t c = 0; c < stored; c += lanes) {
      const int64_t left = stored - c;
      const int64_t kept = row.channels - c < lanes ? row.channels - c : lanes;
      V v = hn::Mul(hn::Sub(hn::Sub(load_first(x + c, left), hn::Set(d, pivot)), center), scale);
      if (row.weight != nullptr) {
        v = hn::MulAdd(v, load_first(row.weight + c, left), load_first(row.bias + c, left));
      }
      store_first(hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(kept)), v), y + c, left);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kintsugi::simd {
namespace {

using NormRow = void(const layer_norm::Row&);

NormRow* norm_row(Isa isa) { KINTSUGI_SELECT(isa, norm_row); }

}  // namespace
}  // namespace kintsugi::simd

namespace kintsugi::layer_norm {

void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel) {
  const Shape& shape = args.output.shape;
  const int64_t stored = storage_channels(shape.c());
  if (desc.affine && (static_cast<int64_t>(args.weight.size()) < stored ||
                      static_cast<int64_t>(args.bias.size()) < stored)) {
    throw Error(ErrorCode::internal, to_string(desc) + ": weight or bias is too short");
  }
  simd::NormRow* const norm_row = simd::norm_row(isa);
  // Tasks of about 64 Ki elements: large against taking one, small against a picture.
  const int64_t task_rows = std::clamp<int64_t>((1 << 16) / (shape.w() * stored), 1, shape.h());
  const int64_t chunks = divide_up(shape.h(), task_rows);
  parallel.parallel_for(shape.n() * chunks, [&](int64_t task) {
    const int64_t n = task / chunks;
    const int64_t y = task % chunks * task_rows;
    norm_row({.input = args.input.pixel(n, y, 0),
              .input_step = args.input.pitch,
              .output = args.output.pixel(n, y, 0),
              .output_step = args.output.pitch,
              .pixels = std::min(task_rows, shape.h() - y) * shape.w(),
              .channels = shape.c(),
              .weight = desc.affine ? args.weight.data() : nullptr,
              .bias = desc.affine ? args.bias.data() : nullptr,
              .eps = static_cast<float>(desc.eps)});
  });
}

}  // namespace kintsugi::layer_norm
#endif
