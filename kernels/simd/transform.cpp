// SPDX-License-Identifier: MIT
//
// A step list over a whole picture, on the CPU.
//
// Math        y[n,c,y,x] = steps( x[n,c,y,x] ); with a gate channel c of y comes of c and K + c of x
// Shapes      y [N,K,H,W]   x [N,K,H,W] or [N,2K,H,W]   operands by their extent
// Layout      NHWC with a pitch; channels below storage_channels are read and written. Gates begin at
//             channel K, wherever that is in memory
// Tiling      a task owns whole rows; a tile of at most kTileElements, as many channels as fit and
//             the pixels that then fit, passes through scratch memory in L1; with a gate two of
//             half the size, features and gates
// Scratch     16 KiB of stack
// Numerics    f32, one rounding a step (an affine is one FMA), by the interpreter that epilogues
//             use as well (kernels/simd/steps-inl.h)
// Roofline    a few FLOP over 8 bytes an element and 4 for each tensor operand: bound by memory
// Limits      none
#include "kernels/simd/transform.h"

#include <algorithm>

#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd/transform.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/simd/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

/// Fills a tile: its columns begin at `source`, where `left` channels are stored.
HWY_INLINE void load_tile(const StepTile& t, float* values, const float* source, int64_t step,
                          int64_t left) {
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < t.pixels; ++i, source += step) {
    for (int64_t c = 0; c < t.width; c += lanes) {
      hn::Store(load_some(source + c, left - c), d, values + i * t.width + c);
    }
  }
}

/// `place.pixels` pixels of a row, any number of channels.
void transform_row(const BoundSteps& steps, StepTile place, const float* input, int64_t input_step,
                   float* output, int64_t output_step) {
  constexpr int64_t kTileElements = 4096;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(F32()));
  const bool gated = steps.gate >= 0;
  const int64_t most = gated ? kTileElements / 2 : kTileElements;
  const int64_t channels = place.channels;
  const int64_t stored = round_up(gated ? 2 * channels : channels, kChannelGranule);
  const int64_t results = round_up(channels, kChannelGranule);
  const int64_t pixels = place.pixels;
  const int64_t first = place.pixel;
  HWY_ALIGN float values[kTileElements];

  place.values = values;
  for (place.k0 = 0; place.k0 < results; place.k0 += place.width) {
    const int64_t left = results - place.k0;
    place.width = left < most ? round_up(left, lanes) : most;
    const int64_t fit = most / place.width;
    for (int64_t x = 0; x < pixels; x += place.pixels) {
      place.pixels = pixels - x < fit ? pixels - x : fit;
      place.pixel = first + x;
      const float* source = input + x * input_step + place.k0;
      load_tile(place, values, source, input_step, stored - place.k0);
      if (gated) {
        load_tile(place, values + most, source + channels, input_step,
                  stored - place.k0 - channels);
        apply_gated(steps, 0, place, values + most);
      } else {
        apply_steps(steps, 0, steps.count, place);
      }
      store_tile(place, output + x * output_step, output_step);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kintsugi::simd {
namespace {

using Row = void(const BoundSteps&, StepTile, const float*, int64_t, float*, int64_t);

Row* row_function(Isa isa) { KINTSUGI_SELECT(isa, transform_row); }

}  // namespace

void transform(Isa isa, const Steps& steps, Operands operands, const TensorView<const float>& input,
               const TensorView<float>& output, Parallel& parallel) {
  const Shape& shape = output.shape;
  const BoundSteps bound = bind(steps, operands);
  Row* const transform_row = row_function(isa);
  // Tasks of about 64 Ki elements: large against taking one, small against a picture.
  const int64_t task_rows =
      std::clamp<int64_t>((1 << 16) / (shape.w() * storage_channels(shape.c())), 1, shape.h());
  const int64_t chunks = divide_up(shape.h(), task_rows);
  parallel.parallel_for(shape.n() * chunks, [&](int64_t task) {
    const int64_t n = task / chunks;
    const int64_t end = std::min(shape.h(), (task % chunks + 1) * task_rows);
    for (int64_t y = task % chunks * task_rows; y < end; ++y) {
      StepTile place;
      place.pixels = shape.w();
      place.n = n;
      place.channels = shape.c();
      place.pixel = (n * shape.h() + y) * shape.w();
      transform_row(bound, place, input.pixel(n, y, 0), input.pitch, output.pixel(n, y, 0),
                    output.pitch);
    }
  });
}

TensorView<const float> transform_copy(Isa isa, const Steps& steps, Operands operands,
                                       const TensorView<const float>& input,
                                       std::span<float> workspace, Parallel& parallel) {
  const int64_t needed = copy_elements(input.shape);
  if (static_cast<int64_t>(workspace.size()) < needed) {
    throw Error(ErrorCode::internal, "the workspace holds " + std::to_string(workspace.size()) +
                                         " elements, the input after its steps " +
                                         std::to_string(needed));
  }
  const TensorView<float> copy{workspace.data(), input.shape, storage_channels(input.shape.c())};
  transform(isa, steps, operands, input, copy, parallel);
  return {copy.data, copy.shape, copy.pitch};
}

}  // namespace kintsugi::simd
#endif
