// SPDX-License-Identifier: MIT
//
// to_tensor on the CPU.
//
// Math        a sample to a number (to_tensor.h)
// Shapes      image [N,H,W,C] and mask [N,H,W,1] of samples   y [N,H,W,K] of f32, each with a pitch
// Layout      NHWC; the pad channels of y are zero
// Tiling      a task owns a row; the colour that a channel takes is found once a row
// Numerics    f32, step by step as the reference: the same bits
// Roofline    3 FLOP a number over C*s + 1 + 4*K bytes, s of a sample: bound by memory, and on a single
//             core by three divisions a pixel
// Limits      none beyond the contract
#include <algorithm>

#include "kernels/to_tensor/to_tensor.h"

namespace kintsugi::to_tensor {

template <class S>
void cpu(const Desc& desc, const Args<S, float>& args, Parallel& parallel) {
  const Shape& shape = args.image.shape;
  const int64_t samples = samples_read(desc, shape);
  const auto count = static_cast<size_t>(desc.count);
  const auto stored = static_cast<size_t>(storage_channels(desc.count));
  std::array<size_t, Desc::kMaxChannels> from{};
  for (size_t k = 0; k < count; ++k) {
    const From colour = desc.channels[k].from;
    from[k] = shape.c() == 1 || colour == From::constant ? 0 : static_cast<size_t>(colour);
  }
  parallel.parallel_for(shape.n() * shape.h(), [&](int64_t row) {
    const int64_t n = row / shape.h();
    const S* sample = args.image.pixel(n, row % shape.h(), 0);
    const uint8_t* hole = desc.masked ? args.mask.pixel(n, row % shape.h(), 0) : nullptr;
    float* pixel = args.output.pixel(n, row % shape.h(), 0);
    for (int64_t x = 0; x < shape.w(); ++x) {
      float colour[3] = {};
      for (int64_t c = 0; c < samples; ++c) colour[c] = image::unit(sample[c], image::kWhite<S>);
      const bool in_hole = hole != nullptr && *hole != 0;
      for (size_t k = 0; k < count; ++k) {
        const Channel& c = desc.channels[k];
        const float outside =
            c.from == From::constant ? c.known : (colour[from[k]] - c.mean) * c.scale;
        pixel[k] = in_hole ? c.hole : outside;
      }
      std::fill(pixel + count, pixel + stored, 0.0f);
      sample += args.image.pitch;
      pixel += args.output.pitch;
      if (hole != nullptr) hole += args.mask.pitch;
    }
  });
}

template void cpu(const Desc&, const Args<uint8_t, float>&, Parallel&);
template void cpu(const Desc&, const Args<uint16_t, float>&, Parallel&);

}  // namespace kintsugi::to_tensor
