// SPDX-License-Identifier: MIT
//
// to_tensor on CUDA.
//
// Math        a sample to a number (to_tensor.h)
// Shapes      image [N,H,W,C] and mask [N,H,W,1] of samples   y [N,H,W,K] of T, each with a pitch
// Tiling      grid (pixels / 256); a thread owns a pixel: its one or three samples, its one or two groups
//             of 16 bytes
// Shared      none
// Sync        none
// Numerics    f32, the bits of the reference: a sample over white is a product and two FMAs, which round
//             as the division does for every sample there is. One rounding at the store.
// Roofline    3 FLOP a number over C*s + 1 bytes read and 16 or 32 written a pixel, s of a sample: bound
//             by memory. Neighbouring threads' samples share lines.
// Limits      the tensor's pixels start at multiples of 16 bytes and are fewer than 2^31
#include "kernels/to_tensor/cuda.h"

#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/narrow.h"
#include "kernels/device/numeric.cuh"
#include "kernels/to_tensor/contract.h"

namespace kintsugi::to_tensor {
namespace {

/// sample / white.
template <typename S>
KIN_DEVICE float unit_of(S sample) {
  constexpr auto kWhite = static_cast<float>(image::kWhite<S>);
  constexpr float kInverse = 1.0f / kWhite;
  const auto number = static_cast<float>(sample);
  const float near = number * kInverse;
  return device::fma(device::fma(-near, kWhite, number), kInverse, near);
}

template <typename S, typename T>
struct ImageToTensor {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 40;
  static constexpr int kPer = device::Pack<T>::kCount;

  const S* samples;
  const uint8_t* mask;  // nullptr: no pixel is a hole
  T* output;
  int64_t pitch;
  int64_t mask_pitch;
  int64_t out_pitch;
  uint32_t pixels;
  int read;  // samples of a pixel, 0, 1 or 3
  Desc desc;

  KIN_DEVICE void operator()() const {
    const uint32_t pixel = blockIdx.x * kThreads + threadIdx.x;
    if (pixel >= pixels) return;
    const S* from = samples + pixel * pitch;
    S red = 0, green = 0, blue = 0;
    if (read > 0) red = green = blue = device::load(from);
    if (read > 1) {
      green = device::load(from + 1);
      blue = device::load(from + 2);
    }
    const bool hole = mask != nullptr && device::load(mask + pixel * mask_pitch) != 0;
    const float r = unit_of(red), g = unit_of(green), b = unit_of(blue);

    T* to = output + pixel * out_pitch;
#pragma unroll
    for (int first = 0; first < Desc::kMaxChannels; first += kPer) {
      if (first >= desc.count) return;
      device::Pack<T> pack = {};
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        if (first + i >= desc.count) break;
        const Channel& channel = desc.channels[static_cast<size_t>(first + i)];
        pack.x[i] = device::from_float<T>(channel.value(r, g, b, hole));
      }
      device::store_pack(to + first, pack);
    }
  }
};

}  // namespace

template <class S, class T>
void cuda(const Desc& desc, const Args<S, T>& args, device::Stream& stream) {
  using Kernel = ImageToTensor<S, T>;
  const Shape& shape = args.image.shape;
  if (!(output_shape(desc, shape) == args.output.shape)) {
    throw Error(ErrorCode::internal, "to_tensor on CUDA: an output does not fit");
  }
  device::check_aligned("to_tensor", args.output);
  const int64_t pixels = device::narrow_int("to_tensor", shape.pixels(), "pixels");
  const int64_t blocks = divide_up(pixels, int64_t{Kernel::kThreads});
  device::launch(stream, {.x = static_cast<unsigned>(blocks)},
                 Kernel{.samples = args.image.data,
                        .mask = desc.masked ? args.mask.data : nullptr,
                        .output = args.output.data,
                        .pitch = args.image.pitch,
                        .mask_pitch = args.mask.pitch,
                        .out_pitch = args.output.pitch,
                        .pixels = static_cast<uint32_t>(pixels),
                        .read = static_cast<int>(samples_read(desc, shape)),
                        .desc = desc});
}

template void cuda(const Desc&, const Args<uint8_t, float>&, device::Stream&);
template void cuda(const Desc&, const Args<uint8_t, f16>&, device::Stream&);
template void cuda(const Desc&, const Args<uint8_t, bf16>&, device::Stream&);
template void cuda(const Desc&, const Args<uint16_t, float>&, device::Stream&);
template void cuda(const Desc&, const Args<uint16_t, f16>&, device::Stream&);
template void cuda(const Desc&, const Args<uint16_t, bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  with_sample_type(call.inputs[0].dtype, [&]<class S>(S) {
    with_cuda_type(call.outputs[0].dtype,
                   [&]<class T>(T) { to_tensor::cuda(desc, bind<S, T>(desc, call), stream); });
  });
}

}  // namespace kintsugi::to_tensor
