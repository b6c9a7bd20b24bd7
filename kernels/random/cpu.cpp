// SPDX-License-Identifier: MIT
//
// random on the CPU.
//
// Math        Philox4x32-10 of the element's counter, then uniform or Box-Muller (random.h)
// Shapes      state [N,12,1,1] of 16 bits   y [N,H,W,C] of f32 with a pitch
// Layout      NHWC; four channels of a pixel are one counter's; the pad channels of y are zero
// Tiling      a task owns a row
// Numerics    f32 step by step, in one code for all instruction sets: the same bits on each. Uniform
//             numbers are exact.
// Roofline    20 products of 32 bits to 64 and 60 other integer operations for 16 bytes, and for a normal
//             number 40 FLOP more: bound by arithmetic; beside any network nothing
// Limits      none beyond the contract
#include <algorithm>
#include <cmath>

#include "kernels/random/box_muller.h"
#include "kernels/random/random.h"

namespace kintsugi::random {
namespace {

template <Distribution kDistribution>
void row_of(const Desc& desc, const State& state, uint64_t index, float* pixel, int64_t pitch) {
  const Key key = state.key(desc.stream);
  for (int64_t x = 0; x < desc.size.w; ++x, pixel += pitch) {
    for (int64_t c = 0; c < desc.channels; c += 4) {
      const Words words = philox(state.counter(index++), key);
      float four[4];
      if constexpr (kDistribution == Distribution::uniform) {
        for (int i = 0; i < 4; ++i) four[i] = uniform(words.word[i]);
      } else {
        for (int i = 0; i < 4; i += 2) {
          const float radius = std::sqrt(minus_two_log(positive_uniform(words.word[i])));
          const Angle at = angle(words.word[i + 1]);
          four[i] = radius * at.cosine;
          four[i + 1] = radius * at.sine;
        }
      }
      const int64_t used = std::min<int64_t>(4, desc.channels - c);
      for (int64_t i = 0; i < 4; ++i) pixel[c + i] = i < used ? four[i] : 0.0f;
    }
  }
}

}  // namespace

void cpu(const Desc& desc, const Args<float>& args, Parallel& parallel) {
  const Shape& out = args.output.shape;
  const auto width = static_cast<uint64_t>(whole_width(desc));
  const auto of_pixel = static_cast<uint64_t>(divide_up(out.c(), int64_t{4}));
  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    const int64_t n = row / out.h(), y = row % out.h();
    const State state = State::of(args.state.pixel(n, 0, 0));
    const uint64_t index = state.index(static_cast<uint64_t>(y), 0, width, of_pixel);
    float* pixel = args.output.pixel(n, y, 0);
    if (desc.distribution == Distribution::uniform) {
      row_of<Distribution::uniform>(desc, state, index, pixel, args.output.pitch);
    } else {
      row_of<Distribution::normal>(desc, state, index, pixel, args.output.pitch);
    }
  });
}

}  // namespace kintsugi::random
