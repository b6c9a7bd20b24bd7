// SPDX-License-Identifier: MIT
//
// to_image on the CPU.
//
// Math        a number to a sample (to_image.h)
// Shapes      x [N,H,W,K] of f32   image [N,H,W,C] of samples, first_bad [N,H,1,1] of f32
// Layout      NHWC, each with a pitch
// Tiling      a task owns a row
// Numerics    f32, step by step as the reference: the same bits
// Roofline    9 to 15 FLOP a pixel over 16 bytes read and C*s written, s of a sample: bound by memory
// Limits      none beyond the contract
#include <algorithm>
#include <cmath>

#include "kernels/to_image/to_image.h"

namespace kintsugi::to_image {
namespace {

/// The three colours of a pixel, clamped; black and false where one is made of no number.
bool colours_of(const Desc& desc, float half, const float* pixel, std::array<float, 3>& rgb) {
  bool finite = true;
  for (size_t c = 0; c < 3; ++c) {
    const Source& source = desc.rgb[c];
    const float number = pixel[source.channel];
    finite = finite && std::isfinite(number);
    rgb[c] = image::clamp_to_unit(source.value(number) + half);
  }
  if (!finite) rgb = {};
  return finite;
}

}  // namespace

template <class S>
void cpu(const Desc& desc, const Args<S, float>& args, Parallel& parallel) {
  const Shape& shape = args.image.shape;
  const float half = desc.half();
  parallel.parallel_for(shape.n() * shape.h(), [&](int64_t row) {
    const int64_t n = row / shape.h();
    const float* pixel = args.input.pixel(n, row % shape.h(), 0);
    S* sample = args.image.pixel(n, row % shape.h(), 0);
    int64_t first_bad = -1;
    for (int64_t x = 0; x < shape.w(); ++x) {
      std::array<float, 3> rgb{};
      if (!colours_of(desc, half, pixel, rgb) && first_bad < 0) first_bad = x;
      if (desc.grey) {
        sample[0] = static_cast<S>(image::quantised(image::luma(rgb), image::kWhite<S>));
      } else {
        for (size_t c = 0; c < 3; ++c) {
          sample[c] = static_cast<S>(image::quantised(rgb[c], image::kWhite<S>));
        }
      }
      pixel += args.input.pitch;
      sample += args.image.pitch;
    }
    float* found = args.first_bad.pixel(n, row % shape.h(), 0);
    std::fill(found, found + kChannelGranule, 0.0f);
    *found = static_cast<float>(first_bad);
  });
}

template void cpu(const Desc&, const Args<uint8_t, float>&, Parallel&);
template void cpu(const Desc&, const Args<uint16_t, float>&, Parallel&);

}  // namespace kintsugi::to_image
