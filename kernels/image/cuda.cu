// SPDX-License-Identifier: MIT
//
// image on CUDA.
//
// Math        a sample to a number, a number to a sample (image.h)
// Shapes      picture [N,H,W,C] of S, rows at a pitch   tensor [N,P,Q,K] of T, pixels at a pitch
// Tiling      grid (pixels / 256), of the tensor one way, of the picture the other; a thread owns a
//             pixel: its one or three samples, its one or two groups of 16 bytes
// Shared      none
// Sync        none
// Numerics    f32, the bits of the definition: no product is joined to a sum but by name, and a sample
//             over white is a product and two FMAs, which round as the division does for every sample
//             there is. The luma is in f64. One rounding at the store.
// Roofline    to_tensor C*s + 1 bytes read and 16 or 32 written a pixel, s of a sample; to_picture 1 to
//             17 read, up to 3*s written: bound by memory. Neighbouring threads' samples share lines.
// Limits      the tensor's pixels start at multiples of 16 bytes and are fewer than 2^31
#include "kernels/image/cuda.h"

#include "kernels/device/memory.cuh"
#include "kernels/device/narrow.h"
#include "kernels/device/numeric.cuh"

namespace kintsugi::image {
namespace {

constexpr const char* kOp = "image";

/// a * b and nothing else, whatever is added to it later.
KIN_DEVICE float product(float a, float b) { return device::fma(a, b, -0.0f); }

/// sample / white.
template <typename S>
KIN_DEVICE float unit_of(S sample) {
  constexpr auto kSamples = static_cast<float>(kWhite<S>);
  constexpr float kInverse = 1.0f / kSamples;
  const auto number = static_cast<float>(sample);
  const float near = number * kInverse;
  return device::fma(device::fma(-near, kSamples, number), kInverse, near);
}

template <typename S, typename T>
struct PictureToTensor {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 40;
  static constexpr int kPer = device::Pack<T>::kCount;

  const S* samples;
  const uint8_t* mask;  // nullptr: no pixel is a hole
  T* output;
  int64_t row_pitch;
  int64_t mask_pitch;
  int64_t out_pitch;
  uint32_t pixels;         // of the tensor
  uint32_t height, width;  // of the picture
  uint32_t out_height, out_width;
  int channels;  // of the picture
  int read;      // of them, 0, 1 or 3
  ToTensor desc;

  KIN_DEVICE void operator()() const {
    const uint32_t pixel = blockIdx.x * kThreads + threadIdx.x;
    if (pixel >= pixels) return;
    const uint32_t out_x = pixel % out_width;
    const uint32_t out_row = pixel / out_width;
    const uint32_t out_y = out_row % out_height;
    const uint32_t x = out_x < width ? out_x : width - 1;
    const uint32_t y = out_y < height ? out_y : height - 1;
    const int64_t row = int64_t{out_row / out_height} * height + y;

    const S* from = samples + row * row_pitch + int64_t{x} * channels;
    S red = 0, green = 0, blue = 0;
    if (read > 0) red = green = blue = device::load(from);
    if (read > 1) {
      green = device::load(from + 1);
      blue = device::load(from + 2);
    }
    const bool hole = mask != nullptr && device::load(mask + row * mask_pitch + x) != 0;
    const float rgb[3] = {unit_of(red), unit_of(green), unit_of(blue)};

    T* to = output + pixel * out_pitch;
#pragma unroll
    for (int first = 0; first < ToTensor::kMaxChannels; first += kPer) {
      if (first >= desc.count) return;
      device::Pack<T> pack = {};
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        if (first + i >= desc.count) break;
        const Channel& c = desc.channels[static_cast<size_t>(first + i)];
        const float colour = c.from == From::red ? rgb[0] : c.from == From::green ? rgb[1] : rgb[2];
        const float known = c.from == From::constant ? c.known : (colour - c.mean) * c.scale;
        pack.x[i] = device::from_float<T>(hole ? c.hole : known);
      }
      device::store_pack(to + first, pack);
    }
  }
};

template <typename S, typename T>
struct TensorToPicture {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 40;

  const T* input;
  const uint8_t* mask;  // nullptr: every pixel is filled
  S* samples;
  int64_t* first_bad;
  int64_t pitch;
  int64_t mask_pitch;
  int64_t row_pitch;
  uint32_t pixels;         // of the picture
  uint32_t height, width;  // of the picture
  uint32_t in_height, in_width;
  int channels;  // of the picture
  float half;    // a sample, where it is rounded
  ToPicture desc;

  KIN_DEVICE void operator()() const {
    const uint32_t pixel = blockIdx.x * kThreads + threadIdx.x;
    if (pixel >= pixels) return;
    const uint32_t x = pixel % width;
    const uint32_t row = pixel / width;
    if (mask != nullptr && device::load(mask + row * mask_pitch + x) == 0) return;

    const int64_t in_row = int64_t{row / height} * in_height + row % height;
    const auto pack = device::load_pack(input + (in_row * in_width + x) * pitch);
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
      rgb[c] = clamp_to_unit(product(value + source.shift, source.scale) + half);
    }
    if (!finite) {
      device::atomic_min(first_bad, int64_t{pixel});
      return;
    }
    S* to = samples + row * row_pitch + int64_t{x} * channels;
    if (is_grey(channels)) {
      device::store(to, sample_of(luma_of(rgb)));
      return;
    }
#pragma unroll
    for (size_t c = 0; c < 3; ++c) device::store(to + c, sample_of(rgb[c]));
  }

  KIN_DEVICE static S sample_of(float value) { return static_cast<S>(quantised(value, kWhite<S>)); }

  /// luma() of sample.h, each product and each sum rounded as there.
  KIN_DEVICE static float luma_of(const float (&rgb)[3]) {
    const double red = device::fma(0.299, static_cast<double>(rgb[0]), -0.0);
    const double green = device::fma(0.587, static_cast<double>(rgb[1]), -0.0);
    const double blue = device::fma(0.114, static_cast<double>(rgb[2]), -0.0);
    return static_cast<float>(red + green + blue);
  }
};

template <class T>
void check_tensor(const TensorView<T>& tensor) {
  if (tensor.pitch % device::Pack<std::remove_const_t<T>>::kCount != 0 ||
      reinterpret_cast<uintptr_t>(tensor.data) % 16 != 0) {
    throw Error(ErrorCode::internal, "image on CUDA: a pixel does not start at 16 bytes");
  }
}

template <class Kernel>
void launch(const Kernel& kernel, device::Stream& stream) {
  const int64_t blocks = divide_up(int64_t{kernel.pixels}, int64_t{Kernel::kThreads});
  device::launch(stream, {.x = static_cast<unsigned>(blocks)}, kernel);
}

}  // namespace

template <class S, class T>
void cuda(const ToTensor& desc, const ToTensorArgs<S, T>& args, device::Stream& stream) {
  const Shape& in = args.picture.shape;
  const Shape& out = args.output.shape;
  check(desc, in, out);
  check_tensor(args.output);
  const auto pixels = static_cast<uint32_t>(device::narrow_int(kOp, out.pixels(), "pixels"));
  launch(PictureToTensor<S, T>{.samples = args.picture.data,
                               .mask = args.mask.data,
                               .output = args.output.data,
                               .row_pitch = args.picture.row_pitch,
                               .mask_pitch = args.mask.row_pitch,
                               .out_pitch = args.output.pitch,
                               .pixels = pixels,
                               .height = static_cast<uint32_t>(in.h()),
                               .width = static_cast<uint32_t>(in.w()),
                               .out_height = static_cast<uint32_t>(out.h()),
                               .out_width = static_cast<uint32_t>(out.w()),
                               .channels = static_cast<int>(in.c()),
                               .read = static_cast<int>(samples_read(desc, in)),
                               .desc = desc},
         stream);
}

template <class S, class T>
void cuda(const ToPicture& desc, const ToPictureArgs<S, T>& args, device::Stream& stream) {
  const Shape& in = args.input.shape;
  const Shape& out = args.picture.shape;
  check(desc, in, out);
  check_tensor(args.input);
  // The tensor has no fewer pixels than the picture.
  static_cast<void>(device::narrow_int(kOp, in.pixels(), "pixels"));
  launch(TensorToPicture<S, T>{.input = args.input.data,
                               .mask = args.mask.data,
                               .samples = args.picture.data,
                               .first_bad = args.first_bad,
                               .pitch = args.input.pitch,
                               .mask_pitch = args.mask.row_pitch,
                               .row_pitch = args.picture.row_pitch,
                               .pixels = static_cast<uint32_t>(out.pixels()),
                               .height = static_cast<uint32_t>(out.h()),
                               .width = static_cast<uint32_t>(out.w()),
                               .in_height = static_cast<uint32_t>(in.h()),
                               .in_width = static_cast<uint32_t>(in.w()),
                               .channels = static_cast<int>(out.c()),
                               .half = desc.rounds ? 0.5f / static_cast<float>(kWhite<S>) : 0.0f,
                               .desc = desc},
         stream);
}

template void cuda(const ToTensor&, const ToTensorArgs<uint8_t, float>&, device::Stream&);
template void cuda(const ToTensor&, const ToTensorArgs<uint8_t, f16>&, device::Stream&);
template void cuda(const ToTensor&, const ToTensorArgs<uint8_t, bf16>&, device::Stream&);
template void cuda(const ToTensor&, const ToTensorArgs<uint16_t, float>&, device::Stream&);
template void cuda(const ToTensor&, const ToTensorArgs<uint16_t, f16>&, device::Stream&);
template void cuda(const ToTensor&, const ToTensorArgs<uint16_t, bf16>&, device::Stream&);
template void cuda(const ToPicture&, const ToPictureArgs<uint8_t, float>&, device::Stream&);
template void cuda(const ToPicture&, const ToPictureArgs<uint8_t, f16>&, device::Stream&);
template void cuda(const ToPicture&, const ToPictureArgs<uint8_t, bf16>&, device::Stream&);
template void cuda(const ToPicture&, const ToPictureArgs<uint16_t, float>&, device::Stream&);
template void cuda(const ToPicture&, const ToPictureArgs<uint16_t, f16>&, device::Stream&);
template void cuda(const ToPicture&, const ToPictureArgs<uint16_t, bf16>&, device::Stream&);

}  // namespace kintsugi::image
