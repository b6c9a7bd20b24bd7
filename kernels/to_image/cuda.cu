// SPDX-License-Identifier: MIT
//
// to_image on CUDA.
//
// Math        a number to a sample (to_image.h)
// Shapes      x [N,H,W,K] of T   image [N,H,W,C] of samples, first_bad [N,H,1,1] of f32, with pitches
// Tiling      grid (N*H); a block owns a row, its 128 threads every 128th pixel
// Shared      the first bad pixel of each warp [4]
// Sync        one barrier, before the first warp joins the four
// Numerics    f32, the bits of the reference: no product is joined to a sum but by name. The luma is in
//             f64. The first bad pixel is a minimum of integers, so no order shows.
// Roofline    9 to 15 FLOP a pixel over 16 bytes read and C*s written, s of a sample: bound by memory.
//             Neighbouring threads' samples share lines.
// Limits      the tensor's pixels start at multiples of 16 bytes and are fewer than 2^31
#include "kernels/to_image/cuda.h"

#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/narrow.h"
#include "kernels/device/numeric.cuh"
#include "kernels/device/reduce.cuh"
#include "kernels/device/sync.cuh"
#include "kernels/to_image/contract.h"

namespace kintsugi::to_image {
namespace {

/// a * b and nothing else, whatever is added to it later.
KIN_DEVICE float product(float a, float b) { return device::fma(a, b, -0.0f); }

/// image::luma, each product and each sum rounded as there.
KIN_DEVICE float luma_of(const float (&rgb)[3]) {
  const double red = device::fma(0.299, static_cast<double>(rgb[0]), -0.0);
  const double green = device::fma(0.587, static_cast<double>(rgb[1]), -0.0);
  const double blue = device::fma(0.114, static_cast<double>(rgb[2]), -0.0);
  return static_cast<float>(red + green + blue);
}

template <typename S, typename T>
struct TensorToImage {
  static constexpr unsigned kWarps = 4;
  static constexpr unsigned kThreads = kWarps * device::kWarpSize;
  static constexpr int kMaxRegisters = 40;

  struct Shared {
    uint32_t first_bad[kWarps];
  };

  const T* input;
  S* samples;
  float* first_bad;
  int64_t pitch;
  int64_t out_pitch;
  int64_t bad_pitch;
  uint32_t width;
  float half;
  Desc desc;

  KIN_DEVICE void operator()() const {
    const int64_t row = blockIdx.x;
    uint32_t bad = width;
    for (uint32_t x = threadIdx.x; x < width; x += kThreads) {
      const int64_t pixel = row * width + x;
      if (!convert(input + pixel * pitch, samples + pixel * out_pitch) && x < bad) bad = x;
    }

    auto& shared = device::shared<TensorToImage>();
    const auto least = [](uint32_t a, uint32_t b) { return a < b ? a : b; };
    bad = device::reduce(bad, least);
    if (threadIdx.x % device::kWarpSize == 0) {
      shared.first_bad[threadIdx.x / device::kWarpSize] = bad;
    }
    device::syncthreads();  // the first bad pixel of every warp stands in shared memory
    if (threadIdx.x > 0) return;
    for (unsigned w = 1; w < kWarps; ++w) bad = least(bad, shared.first_bad[w]);
    const float x = bad < width ? static_cast<float>(bad) : -1.0f;
    device::store_pack(first_bad + row * bad_pitch, device::Pack<float>{{x}});
  }

 private:
  /// False, and black, where a colour is made of no number.
  KIN_DEVICE bool convert(const T* from, S* to) const {
    const auto pack = device::load_pack(from);
    float numbers[kChannelGranule];
#pragma unroll
    for (int k = 0; k < kChannelGranule; ++k) numbers[k] = device::to_float(pack.x[k]);
    bool finite = true;
    float rgb[3];
#pragma unroll
    for (size_t c = 0; c < 3; ++c) {
      const Source& source = desc.rgb[c];
      const float low = source.channel == 0 ? numbers[0] : numbers[1];
      const float high = source.channel == 2 ? numbers[2] : numbers[3];
      const float value = source.channel < 2 ? low : high;
      finite = finite && value - value == 0;  // of a NaN or an infinity it is a NaN
      rgb[c] = image::clamp_to_unit(product(value + source.shift, source.scale) + half);
    }
    if (!finite) rgb[0] = rgb[1] = rgb[2] = 0;
    if (desc.grey) {
      device::store(to, sample_of(luma_of(rgb)));
    } else {
#pragma unroll
      for (size_t c = 0; c < 3; ++c) device::store(to + c, sample_of(rgb[c]));
    }
    return finite;
  }
  KIN_DEVICE static S sample_of(float value) {
    return static_cast<S>(image::quantised(value, image::kWhite<S>));
  }
};

}  // namespace

template <class S, class T>
void cuda(const Desc& desc, const Args<S, T>& args, device::Stream& stream) {
  using Kernel = TensorToImage<S, T>;
  const Shape& in = args.input.shape;
  if (!(output_shape(desc, in) == args.image.shape) ||
      !(first_bad_shape(in) == args.first_bad.shape)) {
    throw Error(ErrorCode::internal, "to_image on CUDA: an output does not fit");
  }
  device::check_aligned("to_image", args.input, args.first_bad);
  static_cast<void>(device::narrow_int("to_image", in.pixels(), "pixels"));
  device::launch(stream, {.x = static_cast<unsigned>(in.n() * in.h())},
                 Kernel{.input = args.input.data,
                        .samples = args.image.data,
                        .first_bad = args.first_bad.data,
                        .pitch = args.input.pitch,
                        .out_pitch = args.image.pitch,
                        .bad_pitch = args.first_bad.pitch,
                        .width = static_cast<uint32_t>(in.w()),
                        .half = desc.half(),
                        .desc = desc});
}

template void cuda(const Desc&, const Args<uint8_t, float>&, device::Stream&);
template void cuda(const Desc&, const Args<uint8_t, f16>&, device::Stream&);
template void cuda(const Desc&, const Args<uint8_t, bf16>&, device::Stream&);
template void cuda(const Desc&, const Args<uint16_t, float>&, device::Stream&);
template void cuda(const Desc&, const Args<uint16_t, f16>&, device::Stream&);
template void cuda(const Desc&, const Args<uint16_t, bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  with_sample_type(call.outputs[0].dtype, [&]<class S>(S) {
    with_cuda_type(call.inputs[0].dtype,
                   [&]<class T>(T) { to_image::cuda(desc, bind<S, T>(desc, call), stream); });
  });
}

}  // namespace kintsugi::to_image
