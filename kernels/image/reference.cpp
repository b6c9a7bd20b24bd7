// SPDX-License-Identifier: MIT
//
// The definition of both conversions, pixel by pixel. In float and not in double: what a sample
// becomes is what the host's arithmetic on pictures makes of it, to the bit.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "kernels/image/image.h"

namespace kintsugi::image {
namespace {

bool selected(const MaskView& mask, int64_t row, int64_t x, bool otherwise) {
  return mask.data == nullptr ? otherwise : mask.row(row)[x] != 0;
}

}  // namespace

template <class S, class T>
void reference(const ToTensor& desc, const ToTensorArgs<S, T>& args, Parallel& parallel) {
  const Shape& in = args.picture.shape;
  const Shape& out = args.output.shape;
  check(desc, in, out);
  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    const int64_t n = row / out.h();
    const int64_t py = std::min(row % out.h(), in.h() - 1);
    for (int64_t x = 0; x < out.w(); ++x) {
      const int64_t px = std::min(x, in.w() - 1);
      const S* sample = args.picture.pixel(n, py, px);
      const bool hole = selected(args.mask, n * in.h() + py, px, false);
      T* pixel = args.output.pixel(n, row % out.h(), x);
      for (int k = 0; k < desc.count; ++k) {
        const Channel& c = desc.channels[static_cast<size_t>(k)];
        float value = c.known;
        if (c.from != From::constant) {
          const int64_t colour = is_grey(in.c()) ? 0 : static_cast<int64_t>(c.from);
          value = (unit(sample[colour], kWhite<S>) - c.mean) * c.scale;
        }
        pixel[k] = static_cast<T>(hole ? c.hole : value);
      }
      std::fill(pixel + desc.count, pixel + storage_channels(desc.count), T{0});
    }
  });
}

template <class S, class T>
void reference(const ToPicture& desc, const ToPictureArgs<S, T>& args, Parallel& parallel) {
  const Shape& out = args.picture.shape;
  check(desc, args.input.shape, out);
  std::atomic<int64_t> first_bad = *args.first_bad;
  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    for (int64_t x = 0; x < out.w(); ++x) {
      if (!selected(args.mask, row, x, true)) continue;
      const T* pixel = args.input.pixel(row / out.h(), row % out.h(), x);
      std::array<float, 3> rgb{};
      bool finite = true;
      for (size_t c = 0; c < 3; ++c) {
        const Source& source = desc.rgb[c];
        const auto number = static_cast<float>(pixel[source.channel]);
        finite = finite && std::isfinite(number);
        rgb[c] = (number + source.shift) * source.scale;
        if (desc.rounds) rgb[c] += 0.5f / static_cast<float>(kWhite<S>);
        rgb[c] = clamp_to_unit(rgb[c]);
      }
      if (!finite) {
        const int64_t index = row * out.w() + x;
        int64_t before = first_bad;
        while (index < before && !first_bad.compare_exchange_weak(before, index)) {
        }
        continue;
      }
      S* sample = args.picture.pixel(row / out.h(), row % out.h(), x);
      if (is_grey(out.c())) {
        sample[0] = static_cast<S>(quantised(luma(rgb), kWhite<S>));
      } else {
        for (size_t c = 0; c < 3; ++c) sample[c] = static_cast<S>(quantised(rgb[c], kWhite<S>));
      }
    }
  });
  *args.first_bad = first_bad;
}

template void reference(const ToTensor&, const ToTensorArgs<uint8_t, float>&, Parallel&);
template void reference(const ToTensor&, const ToTensorArgs<uint8_t, double>&, Parallel&);
template void reference(const ToTensor&, const ToTensorArgs<uint16_t, float>&, Parallel&);
template void reference(const ToTensor&, const ToTensorArgs<uint16_t, double>&, Parallel&);
template void reference(const ToPicture&, const ToPictureArgs<uint8_t, float>&, Parallel&);
template void reference(const ToPicture&, const ToPictureArgs<uint8_t, double>&, Parallel&);
template void reference(const ToPicture&, const ToPictureArgs<uint16_t, float>&, Parallel&);
template void reference(const ToPicture&, const ToPictureArgs<uint16_t, double>&, Parallel&);

}  // namespace kintsugi::image
