// SPDX-License-Identifier: MIT
//
// elementwise on the CPU.
//
// Math        y[n,c,y,x] = steps( x[n,c,y,x] )
// Shapes      x, y [N,C,H,W]; operands by their extent
// Layout      NHWC with a pitch; channels below storage_channels(C) are read and written
// Tiling      a task owns whole rows; a tile of at most kTileElements, as many channels as fit and
//             the pixels that then fit, passes through scratch memory in L1
// Scratch     16 KiB of stack
// Numerics    f32, one rounding a step (an affine is one FMA), by the interpreter that epilogues
//             use as well (kernels/simd/steps-inl.h)
// Roofline    a few FLOP over 8 bytes an element and 4 for each tensor operand: bound by memory
// Limits      none beyond the contract
#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/cpu.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/simd/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {

/// `place.pixels` pixels of a row, any number of channels.
void transform_row(const BoundSteps& steps, StepTile place, const float* input, int64_t input_step,
                   float* output, int64_t output_step) {
  constexpr int64_t kTileElements = 4096;
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stored = round_up(place.channels, kChannelGranule);
  const int64_t pixels = place.pixels;
  const int64_t first = place.pixel;
  HWY_ALIGN float values[kTileElements];

  place.values = values;
  for (place.k0 = 0; place.k0 < stored; place.k0 += place.width) {
    const int64_t left = stored - place.k0;
    place.width = left < kTileElements ? round_up(left, lanes) : kTileElements;
    const int64_t most = kTileElements / place.width;
    for (int64_t x = 0; x < pixels; x += place.pixels) {
      place.pixels = pixels - x < most ? pixels - x : most;
      place.pixel = first + x;
      for (int64_t i = 0; i < place.pixels; ++i) {
        const float* source = input + (x + i) * input_step + place.k0;
        for (int64_t c = 0; c < place.width; c += lanes) {
          hn::Store(load_first(source + c, left - c), d, values + i * place.width + c);
        }
      }
      apply_steps(steps, 0, place);
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

using Transform = void(const BoundSteps&, StepTile, const float*, int64_t, float*, int64_t);

Transform* transform(Isa isa) { KINTSUGI_SELECT(isa, transform_row); }

}  // namespace
}  // namespace kintsugi::simd

namespace kintsugi::elementwise {

void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel) {
  const Shape& shape = args.output.shape;
  const simd::BoundSteps steps = simd::bind(desc.steps, args.operands);
  simd::Transform* const transform_row = simd::transform(isa);
  // Tasks of about 64 Ki elements: large against taking one, small against a picture.
  const int64_t task_rows =
      std::clamp<int64_t>((1 << 16) / (shape.w() * storage_channels(shape.c())), 1, shape.h());
  const int64_t chunks = divide_up(shape.h(), task_rows);
  parallel.parallel_for(shape.n() * chunks, [&](int64_t task) {
    const int64_t n = task / chunks;
    const int64_t end = std::min(shape.h(), (task % chunks + 1) * task_rows);
    for (int64_t y = task % chunks * task_rows; y < end; ++y) {
      simd::StepTile place;
      place.pixels = shape.w();
      place.n = n;
      place.channels = shape.c();
      place.pixel = (n * shape.h() + y) * shape.w();
      transform_row(steps, place, args.input.pixel(n, y, 0), args.input.pitch,
                    args.output.pixel(n, y, 0), args.output.pitch);
    }
  });
}

}  // namespace kintsugi::elementwise
#endif
