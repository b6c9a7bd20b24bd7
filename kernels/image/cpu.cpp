// SPDX-License-Identifier: MIT
//
// image on the CPU.
//
// Math        a sample to a number, a number to a sample (image.h)
// Shapes      picture [N,H,W,C] of S   tensor [N,P,Q,K] of f32, each with a pitch
// Layout      samples of a row stand together, rows at a pitch; tensors NHWC, pad channels zero
// Tiling      a task owns a row; what a channel is of is found out before it, and the last pixel is
//             copied on to the right
// Numerics    f32, step by step as the definition: the same bits
// Roofline    3 FLOP a number over sample + 4*K bytes: bound by memory, and by three divisions a pixel
//             on a single core
// Limits      none beyond the contract
#include <algorithm>
#include <atomic>
#include <cmath>

#include "kernels/image/image.h"

namespace kintsugi::image {
namespace {

/// The first pixel that anyone found, whoever is first to say so.
void lower(std::atomic<int64_t>& least, int64_t value) {
  int64_t before = least.load(std::memory_order_relaxed);
  while (value < before && !least.compare_exchange_weak(before, value)) {
  }
}

/// A row of the picture as numbers, in the first pixels of the tensor's row.
template <class S>
void convert_row(const ToTensor& desc, int64_t samples, const Shape& picture, const S* sample,
                 const uint8_t* holes, float* pixel, int64_t pitch) {
  const bool grey = is_grey(picture.c());
  std::array<size_t, ToTensor::kMaxChannels> from{};
  for (size_t k = 0; k < from.size(); ++k) {
    from[k] = grey || desc.channels[k].from == From::constant
                  ? 0
                  : static_cast<size_t>(desc.channels[k].from);
  }
  const auto count = static_cast<size_t>(desc.count);
  const auto stored = static_cast<size_t>(storage_channels(desc.count));
  for (int64_t x = 0; x < picture.w(); ++x, sample += picture.c(), pixel += pitch) {
    float colour[3] = {};
    for (int64_t c = 0; c < samples; ++c) colour[c] = unit(sample[c], kWhite<S>);
    const bool hole = holes != nullptr && holes[x] != 0;
    for (size_t k = 0; k < count; ++k) {
      const Channel& c = desc.channels[k];
      const float known = c.from == From::constant ? c.known : (colour[from[k]] - c.mean) * c.scale;
      pixel[k] = hole ? c.hole : known;
    }
    std::fill(pixel + count, pixel + stored, 0.0f);
  }
}

/// The three colours of a pixel, clamped; false where one is made of no number.
bool colours_of(const ToPicture& desc, float half, const float* pixel, std::array<float, 3>& rgb) {
  bool finite = true;
  for (size_t c = 0; c < 3; ++c) {
    const Source& source = desc.rgb[c];
    const float number = pixel[source.channel];
    finite = finite && std::isfinite(number);
    rgb[c] = clamp_to_unit((number + source.shift) * source.scale + half);
  }
  return finite;
}

}  // namespace

template <class S>
void cpu(const ToTensor& desc, const ToTensorArgs<S, float>& args, Parallel& parallel) {
  const Shape& in = args.picture.shape;
  const Shape& out = args.output.shape;
  check(desc, in, out);
  const int64_t samples = samples_read(desc, in);
  const auto stored = static_cast<size_t>(storage_channels(desc.count));
  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    const int64_t n = row / out.h();
    const int64_t y = std::min(row % out.h(), in.h() - 1);
    float* first = args.output.pixel(n, row % out.h(), 0);
    convert_row(desc, samples, in, args.picture.pixel(n, y, 0), args.mask.row(n * in.h() + y),
                first, args.output.pitch);
    const float* last = first + (in.w() - 1) * args.output.pitch;
    for (int64_t x = in.w(); x < out.w(); ++x) {
      std::copy_n(last, stored, first + x * args.output.pitch);
    }
  });
}

template <class S>
void cpu(const ToPicture& desc, const ToPictureArgs<S, float>& args, Parallel& parallel) {
  const Shape& shape = args.picture.shape;
  check(desc, args.input.shape, shape);
  // Where nothing is rounded, adding zero changes no sample: of a clamped zero at most the sign.
  const float half = desc.rounds ? 0.5f / static_cast<float>(kWhite<S>) : 0.0f;
  const bool grey = is_grey(shape.c());
  std::atomic<int64_t> first_bad = *args.first_bad;
  parallel.parallel_for(shape.n() * shape.h(), [&](int64_t row) {
    const int64_t n = row / shape.h();
    const uint8_t* holes = args.mask.row(row);
    const float* pixel = args.input.pixel(n, row % shape.h(), 0);
    S* sample = args.picture.pixel(n, row % shape.h(), 0);
    for (int64_t x = 0; x < shape.w(); ++x, pixel += args.input.pitch, sample += shape.c()) {
      if (holes != nullptr && holes[x] == 0) continue;
      std::array<float, 3> rgb{};
      if (!colours_of(desc, half, pixel, rgb)) {
        lower(first_bad, row * shape.w() + x);
      } else if (grey) {
        sample[0] = static_cast<S>(quantised(luma(rgb), kWhite<S>));
      } else {
        for (size_t c = 0; c < 3; ++c) sample[c] = static_cast<S>(quantised(rgb[c], kWhite<S>));
      }
    }
  });
  *args.first_bad = first_bad;
}

template void cpu(const ToTensor&, const ToTensorArgs<uint8_t, float>&, Parallel&);
template void cpu(const ToTensor&, const ToTensorArgs<uint16_t, float>&, Parallel&);
template void cpu(const ToPicture&, const ToPictureArgs<uint8_t, float>&, Parallel&);
template void cpu(const ToPicture&, const ToPictureArgs<uint16_t, float>&, Parallel&);

}  // namespace kintsugi::image
