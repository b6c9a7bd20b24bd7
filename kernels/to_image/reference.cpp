// SPDX-License-Identifier: MIT
//
// The definition of to_image, pixel by pixel. In float and not in double: a sample is what the host's
// arithmetic on images makes of a number, to the bit.
#include <cmath>

#include "kernels/to_image/to_image.h"

namespace kintsugi::to_image {

template <class S, class T>
void reference(const Desc& desc, const Args<S, T>& args, Parallel& parallel) {
  const Shape& shape = args.image.shape;
  parallel.parallel_for(shape.n() * shape.h(), [&](int64_t row) {
    const int64_t n = row / shape.h();
    const int64_t y = row % shape.h();
    int64_t first_bad = -1;
    for (int64_t x = shape.w() - 1; x >= 0; --x) {
      const T* pixel = args.input.pixel(n, y, x);
      std::array<float, 3> rgb{};
      bool finite = true;
      for (size_t c = 0; c < 3; ++c) {
        const Source& source = desc.rgb[c];
        const auto number = static_cast<float>(pixel[source.channel]);
        finite = finite && std::isfinite(number);
        rgb[c] = source.value(number);
        if (desc.rounds) rgb[c] += 0.5f / static_cast<float>(image::kWhite<S>);
        rgb[c] = image::clamp_to_unit(rgb[c]);
      }
      if (!finite) {
        first_bad = x;
        rgb = {};
      }
      S* sample = args.image.pixel(n, y, x);
      if (desc.grey) {
        sample[0] = static_cast<S>(image::quantised(image::luma(rgb), image::kWhite<S>));
      } else {
        for (size_t c = 0; c < 3; ++c) {
          sample[c] = static_cast<S>(image::quantised(rgb[c], image::kWhite<S>));
        }
      }
    }
    Exact<T>* found = args.first_bad.pixel(n, y, 0);
    std::fill(found, found + kChannelGranule, Exact<T>{0});
    *found = static_cast<Exact<T>>(first_bad);
  });
}

template void reference(const Desc&, const Args<uint8_t, float>&, Parallel&);
template void reference(const Desc&, const Args<uint8_t, double>&, Parallel&);
template void reference(const Desc&, const Args<uint16_t, float>&, Parallel&);
template void reference(const Desc&, const Args<uint16_t, double>&, Parallel&);

}  // namespace kintsugi::to_image
