// SPDX-License-Identifier: MIT
//
// pad on CUDA.
//
// Math        y[n,y,x,c] = x[n,y - top,x - left,c], beyond the border zero or the reflection
// Shapes      x [N,H,W,C]   y [N,H + top + bottom,W + left + right,C], each with a pitch
// Tiling      grid (groups / 256); a thread owns one group of 16 bytes of an output pixel's channels
// Shared      none
// Sync        none
// Numerics    bits are copied; a pixel's pad channels are zero in the input and copied with it
// Roofline    no FLOP over e*(x + y) bytes, e of an element: bound by memory
// Limits      pixels start at multiples of 16 bytes; fewer than 2^31 groups
#include "kernels/pad/cuda.h"

#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/numeric.cuh"
#include "kernels/pad/contract.h"

namespace kintsugi::pad {
namespace {

template <typename T>
struct PadBorders {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 32;
  static constexpr int kPer = device::Pack<T>::kCount;

  const T* input;
  T* output;
  int64_t pitch;
  int64_t out_pitch;
  uint32_t groups;  // of 16 bytes, of all output pixels
  uint32_t groups_of_pixel;
  uint32_t height, width;  // of the input
  uint32_t out_height, out_width;
  int top, left;
  PaddingMode mode;

  KIN_DEVICE void operator()() const {
    const uint32_t group = blockIdx.x * kThreads + threadIdx.x;
    if (group >= groups) return;
    const uint32_t pixel = group / groups_of_pixel;
    const uint32_t k = group % groups_of_pixel * kPer;
    const uint32_t row = pixel / out_width;
    const int64_t x = source_coordinate(static_cast<int>(pixel % out_width) - left, width, mode);
    const int64_t y = source_coordinate(static_cast<int>(row % out_height) - top, height, mode);
    device::Pack<T> pack = {};
    if (x >= 0 && y >= 0) {
      const int64_t from = (int64_t{row / out_height} * height + y) * width + x;
      pack = device::load_pack(input + from * pitch + k);
    }
    device::store_pack(output + pixel * out_pitch + k, pack);
  }
};

}  // namespace

template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream) {
  using Kernel = PadBorders<T>;
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  if (!(output_shape(desc, in) == out)) {
    throw Error(ErrorCode::internal, "pad on CUDA: an output does not fit");
  }
  device::check_aligned("pad", args.input, args.output);
  // The output holds the input and its borders: what counts its groups counts everything.
  const auto groups = device::groups_of<T>("pad", out);
  device::launch(stream, groups.grid(Kernel::kThreads),
                 Kernel{.input = args.input.data,
                        .output = args.output.data,
                        .pitch = args.input.pitch,
                        .out_pitch = args.output.pitch,
                        .groups = groups.all,
                        .groups_of_pixel = groups.of_pixel,
                        .height = static_cast<uint32_t>(in.h()),
                        .width = static_cast<uint32_t>(in.w()),
                        .out_height = static_cast<uint32_t>(out.h()),
                        .out_width = static_cast<uint32_t>(out.w()),
                        .top = static_cast<int>(desc.top),
                        .left = static_cast<int>(desc.left),
                        .mode = desc.mode});
}

template void cuda(const Desc&, const Args<float>&, device::Stream&);
template void cuda(const Desc&, const Args<f16>&, device::Stream&);
template void cuda(const Desc&, const Args<bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  with_cuda_type(call.dtype, [&]<class T>(T) { pad::cuda<T>(desc, bind<T>(desc, call), stream); });
}

}  // namespace kintsugi::pad
