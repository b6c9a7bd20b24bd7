// SPDX-License-Identifier: MIT
//
// resample on CUDA.
//
// Math        nearest copies a pixel; bilinear weights four (resample.h)
// Shapes      x [N,H,W,C]   y [N,P,Q,C], each with a pitch
// Tiling      grid (groups / 256); a thread owns one group of 16 bytes of an output pixel's channels,
//             and gathers one or four groups
// Shared      none; what neighbours read in common is for the caches
// Sync        none
// Numerics    f32, shares rounded once from their exact fractions, which are integers here; two
//             products and an FMA a line, one rounding at the store. Nearest copies bits.
// Roofline    9 FLOP over e bytes written and what of the input is read first, e of an element: bound
//             by memory
// Limits      pixels start at multiples of 16 bytes; fewer than 2^31 groups; of each axis 2 * in * out
//             below 2^32 (46 340 to the same size)
#include "kernels/resample/cuda.h"

#include <algorithm>
#include <limits>
#include "kernels/resample/contract.h"

#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/narrow.h"
#include "kernels/device/numeric.cuh"

namespace kintsugi::resample {
namespace {

/// How output coordinates of an axis become input coordinates: place() of resample.h in 32 bits.
struct Axis {
  uint32_t in;
  uint32_t out;
  float scale;                 // nearest: in / out
  uint32_t step, plus, minus;  // bilinear: (i * step + plus - minus) / whole, not below zero
  uint32_t whole;
};

struct Place {
  uint32_t first, second;
  float share;
};

KIN_DEVICE uint32_t nearest(const Axis& axis, uint32_t i) {
  const auto at = static_cast<uint32_t>(static_cast<float>(i) * axis.scale);
  return at < axis.in ? at : axis.in - 1;
}

KIN_DEVICE Place between(const Axis& axis, uint32_t i) {
  const uint32_t sum = i * axis.step + axis.plus;
  const uint32_t part = sum > axis.minus ? sum - axis.minus : 0;
  const uint32_t first = part / axis.whole;
  const uint32_t rest = part - first * axis.whole;
  return {first, first + 1 < axis.in ? first + 1 : first,
          static_cast<float>(rest) / static_cast<float>(axis.whole)};
}

template <typename T, Mode kMode>
struct Resample {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 40;
  static constexpr int kPer = device::Pack<T>::kCount;

  const T* input;
  T* output;
  int64_t pitch;
  int64_t out_pitch;
  uint32_t groups;  // of 16 bytes, of all output pixels
  uint32_t groups_of_pixel;
  Axis vertical;
  Axis horizontal;

  KIN_DEVICE void operator()() const {
    const uint32_t group = blockIdx.x * kThreads + threadIdx.x;
    if (group >= groups) return;
    const uint32_t pixel = group / groups_of_pixel;
    const uint32_t k = group % groups_of_pixel * kPer;
    const uint32_t row = pixel / horizontal.out;
    const uint32_t x = pixel % horizontal.out;
    const uint32_t y = row % vertical.out;
    const int64_t top = int64_t{row / vertical.out} * vertical.in;
    const auto at = [&](uint32_t iy, uint32_t ix) {
      return device::load_pack(input + ((top + iy) * horizontal.in + ix) * pitch + k);
    };
    device::Pack<T> pack;
    if constexpr (kMode == Mode::nearest) {
      pack = at(nearest(vertical, y), nearest(horizontal, x));
    } else {
      const Place v = between(vertical, y);
      const Place u = between(horizontal, x);
      const device::Pack<T> a = at(v.first, u.first);
      const device::Pack<T> b = at(v.first, u.second);
      const device::Pack<T> c = at(v.second, u.first);
      const device::Pack<T> d = at(v.second, u.second);
      const auto blend = [](float from, float to, float share) {
        return device::fma(to, share, from * (1.0f - share));
      };
#pragma unroll
      for (int i = 0; i < kPer; ++i) {  // pads are zero, and stay so
        const float upper = blend(device::to_float(a.x[i]), device::to_float(b.x[i]), u.share);
        const float lower = blend(device::to_float(c.x[i]), device::to_float(d.x[i]), u.share);
        pack.x[i] = device::from_float<T>(blend(upper, lower, v.share));
      }
    }
    device::store_pack(output + pixel * out_pitch + k, pack);
  }
};

Axis axis_of(const Desc& desc, int64_t in, int64_t out) {
  if (checked_product({2, in, out}) > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::unsupported, "resample on CUDA: from " + std::to_string(in) + " to " +
                                            std::to_string(out) + " is beyond its 32 bits");
  }
  const auto from = static_cast<uint32_t>(in);
  const auto to = static_cast<uint32_t>(out);
  Axis axis{.in = from,
            .out = to,
            .scale = static_cast<float>(in) / static_cast<float>(out),
            .step = 2 * from,
            .plus = from,
            .minus = to,
            .whole = 2 * to};
  if (desc.align_corners) {
    axis.step = from - 1;
    axis.plus = axis.minus = 0;
    axis.whole = std::max(to - 1, 1u);
  }
  return axis;
}

template <typename T, Mode kMode>
void launch(const Desc& desc, const Args<T>& args, device::Stream& stream) {
  using Kernel = Resample<T, kMode>;
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  const auto groups = device::groups_of<T>("resample", out);
  device::launch(stream, groups.grid(Kernel::kThreads),
                 Kernel{.input = args.input.data,
                        .output = args.output.data,
                        .pitch = args.input.pitch,
                        .out_pitch = args.output.pitch,
                        .groups = groups.all,
                        .groups_of_pixel = groups.of_pixel,
                        .vertical = axis_of(desc, in.h(), out.h()),
                        .horizontal = axis_of(desc, in.w(), out.w())});
}

}  // namespace

template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream) {
  if (!(output_shape(desc, args.input.shape) == args.output.shape)) {
    throw Error(ErrorCode::internal, "resample on CUDA: an output does not fit");
  }
  device::check_aligned("resample", args.input, args.output);
  if (desc.mode == Mode::nearest) return launch<T, Mode::nearest>(desc, args, stream);
  launch<T, Mode::bilinear>(desc, args, stream);
}

template void cuda(const Desc&, const Args<float>&, device::Stream&);
template void cuda(const Desc&, const Args<f16>&, device::Stream&);
template void cuda(const Desc&, const Args<bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  with_cuda_type(call.dtype,
                 [&]<class T>(T) { resample::cuda<T>(desc, bind<T>(desc, call), stream); });
}

}  // namespace kintsugi::resample
