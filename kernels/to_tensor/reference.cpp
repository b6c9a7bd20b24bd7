// SPDX-License-Identifier: MIT
//
// The definition of to_tensor, pixel by pixel. In float and not in double: what a sample becomes is what
// the host's arithmetic on images makes of it, to the bit.
#include <algorithm>

#include "kernels/to_tensor/to_tensor.h"

namespace kintsugi::to_tensor {

template <class S, class T>
void reference(const Desc& desc, const Args<S, T>& args, Parallel& parallel) {
  const Shape& shape = args.image.shape;
  parallel.parallel_for(shape.n() * shape.h(), [&](int64_t row) {
    const int64_t n = row / shape.h();
    const int64_t y = row % shape.h();
    for (int64_t x = 0; x < shape.w(); ++x) {
      const S* sample = args.image.pixel(n, y, x);
      const auto colour = [&](int64_t c) {
        return image::unit(sample[shape.c() == 1 ? 0 : c], image::kWhite<S>);
      };
      const bool hole = desc.masked && args.mask.pixel(n, y, x)[0] != 0;
      T* pixel = args.output.pixel(n, y, x);
      for (int k = 0; k < desc.count; ++k) {
        const Channel& channel = desc.channels[static_cast<size_t>(k)];
        pixel[k] = static_cast<T>(channel.value(colour(0), colour(1), colour(2), hole));
      }
      std::fill(pixel + desc.count, pixel + storage_channels(desc.count), T{0});
    }
  });
}

template void reference(const Desc&, const Args<uint8_t, float>&, Parallel&);
template void reference(const Desc&, const Args<uint8_t, double>&, Parallel&);
template void reference(const Desc&, const Args<uint16_t, float>&, Parallel&);
template void reference(const Desc&, const Args<uint16_t, double>&, Parallel&);

}  // namespace kintsugi::to_tensor
