// SPDX-License-Identifier: MIT
//
// pool on CUDA.
//
// Math        the largest value of a window, or its sum times 1 / count (pool.h)
// Shapes      x [N,H,W,C]   y [N,P,Q,C], each with a pitch
// Tiling      grid (groups / 256); a thread owns one group of 16 bytes of an output pixel's channels,
//             and walks its window, rows outermost
// Shared      none; what windows have in common is for the caches
// Sync        none
// Numerics    max: values are kept as they are, a NaN stays. Average: f32 sums in the order of the
//             window, one product by the rounded 1 / count, one rounding at the store
// Roofline    R*S FLOP over e bytes written and e*st*st read first, e of an element: bound by memory;
//             R*S loads from L1 for each store where windows overlap
// Limits      pixels start at multiples of 16 bytes; fewer than 2^31 groups; extents, kernel and what a
//             stride reaches below 2^31
#include "kernels/pool/cuda.h"

#include <algorithm>
#include "kernels/pool/contract.h"

#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/narrow.h"
#include "kernels/device/numeric.cuh"

namespace kintsugi::pool {
namespace {

struct Axis {
  int in;
  int out;
  int kernel;
  int stride;
  int padding;
};

template <typename T, Mode kMode>
struct Pool {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 48;
  static constexpr int kPer = device::Pack<T>::kCount;

  const T* input;
  T* output;
  int64_t pitch;
  int64_t out_pitch;
  uint32_t groups;  // of 16 bytes, of all output pixels
  uint32_t groups_of_pixel;
  Axis vertical;
  Axis horizontal;
  bool count_padding;

  KIN_DEVICE void operator()() const {
    const uint32_t group = blockIdx.x * kThreads + threadIdx.x;
    if (group >= groups) return;
    const uint32_t pixel = group / groups_of_pixel;
    const uint32_t k = group % groups_of_pixel * kPer;
    const uint32_t width = horizontal.out;
    const uint32_t height = vertical.out;
    const int x0 = static_cast<int>(pixel % width) * horizontal.stride - horizontal.padding;
    const int y0 = static_cast<int>(pixel / width % height) * vertical.stride - vertical.padding;
    const int left = x0 > 0 ? x0 : 0;
    const int top = y0 > 0 ? y0 : 0;
    // The kernel reaches beyond 31 bits nowhere: in - x0 does not either.
    const int right =
        horizontal.kernel < horizontal.in - x0 ? x0 + horizontal.kernel : horizontal.in;
    const int bottom = vertical.kernel < vertical.in - y0 ? y0 + vertical.kernel : vertical.in;

    const int64_t first = int64_t{pixel / width / height} * vertical.in;
    float value[kPer] = {};
    for (int iy = top; iy < bottom; ++iy) {
      for (int ix = left; ix < right; ++ix) {
        const device::Pack<T> pack =
            device::load_pack(input + ((first + iy) * horizontal.in + ix) * pitch + k);
        const bool begins = iy == top && ix == left;
#pragma unroll
        for (int i = 0; i < kPer; ++i) {
          const float x = device::to_float(pack.x[i]);
          if constexpr (kMode == Mode::average) {
            value[i] += x;
          } else {
            value[i] = begins || x > value[i] || x != x ? x : value[i];
          }
        }
      }
    }
    float factor = 1;
    if constexpr (kMode == Mode::average) {
      factor = device::rcp(
          count_padding
              ? static_cast<float>(vertical.kernel) * static_cast<float>(horizontal.kernel)
              : static_cast<float>(bottom - top) * static_cast<float>(right - left));
    }
    device::Pack<T> pack;
#pragma unroll
    for (int i = 0; i < kPer; ++i) {  // pads are zero, and stay so
      pack.x[i] = device::from_float<T>(kMode == Mode::average ? value[i] * factor : value[i]);
    }
    device::store_pack(output + pixel * out_pitch + k, pack);
  }
};

constexpr const char* kOp = "pool";

Axis axis_of(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
  // Of the padded picture; and one beyond, which a thread may reach before it is cut off.
  static_cast<void>(
      device::narrow_int(kOp, checked_add(in, checked_multiply(2, padding)), "pixels"));
  return {.in = device::narrow_int(kOp, in, "pixels"),
          .out = device::narrow_int(kOp, out, "pixels"),
          .kernel = device::narrow_int(kOp, kernel, "taps"),
          // Only one output pixel: no stride is taken.
          .stride = out == 1 ? 1 : device::narrow_int(kOp, stride, "pixels"),
          .padding = device::narrow_int(kOp, padding, "pixels")};
}

template <typename T, Mode kMode>
void launch(const Desc& desc, const Args<T>& args, device::Stream& stream) {
  using Kernel = Pool<T, kMode>;
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  const auto groups = device::groups_of<T>(kOp, out);
  device::launch(
      stream, groups.grid(Kernel::kThreads),
      Kernel{.input = args.input.data,
             .output = args.output.data,
             .pitch = args.input.pitch,
             .out_pitch = args.output.pitch,
             .groups = groups.all,
             .groups_of_pixel = groups.of_pixel,
             .vertical = axis_of(in.h(), out.h(), desc.kernel.h, desc.stride.h, desc.padding.h),
             .horizontal = axis_of(in.w(), out.w(), desc.kernel.w, desc.stride.w, desc.padding.w),
             .count_padding = desc.count_include_pad});
}

}  // namespace

template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream) {
  if (!(output_shape(desc, args.input.shape) == args.output.shape)) {
    throw Error(ErrorCode::internal, "pool on CUDA: an output does not fit");
  }
  device::check_aligned(kOp, args.input, args.output);
  if (desc.mode == Mode::max) return launch<T, Mode::max>(desc, args, stream);
  launch<T, Mode::average>(desc, args, stream);
}

template void cuda(const Desc&, const Args<float>&, device::Stream&);
template void cuda(const Desc&, const Args<f16>&, device::Stream&);
template void cuda(const Desc&, const Args<bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  with_cuda_type(call.dtype, [&]<class T>(T) { pool::cuda<T>(desc, bind<T>(desc, call), stream); });
}

}  // namespace kintsugi::pool
