// SPDX-License-Identifier: MIT
//
// partial_mask on CUDA.
//
// Math        S = sum of channels_i * m_i over a window; ratio and valid of it (partial_mask.h)
// Shapes      m_i [N,H,W,1]   ratio, valid [N,P,Q,1], each with a pitch, f32
// Tiling      grid (pixels / 256); a thread owns an output pixel and walks its window in all planes at
//             once, rows outermost; the taps in the picture are counted first
// Shared      none; what windows have in common is for the caches
// Sync        none
// Numerics    f32: a sum for each plane in the order of the window, joined by an fma; a division that
//             rounds to nearest. Sums of a binary mask are exact, and so bits are the definition's
// Roofline    R*S*planes additions over 32 bytes written and 16*st*st*planes read (a mask's pixel is
//             as wide as that): bound by the loads of taps from L1; beside the convolution nothing
// Limits      pixels in and out below 2^31, and what a stride or a dilation reaches
#include "kernels/partial_mask/cuda.h"

#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/narrow.h"
#include "kernels/device/numeric.cuh"
#include "kernels/partial_mask/contract.h"

namespace kintsugi::partial_mask {
namespace {

struct Axis {
  int in;
  int out;
  int kernel;
  int stride;
  int dilation;
  int padding;

  /// Where a window's first tap stands, and which of its taps lie in the picture.
  [[nodiscard]] KIN_DEVICE int origin(uint32_t i) const {
    return static_cast<int>(i) * stride - padding;
  }
  [[nodiscard]] KIN_DEVICE int begin(int origin) const {
    return origin >= 0 ? 0 : (-origin - 1) / dilation + 1;
  }
  [[nodiscard]] KIN_DEVICE int end(int origin) const {
    if (origin >= in) return 0;
    const int taps = (in - origin - 1) / dilation + 1;
    return taps < kernel ? taps : kernel;
  }
};

struct Plane {
  const float* mask;
  int64_t pitch;
  float channels;
};

template <int kPlanes>
struct PartialMask {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 56;

  Plane plane[kPlanes];
  float* ratios;
  float* valids;
  int64_t ratio_pitch;
  int64_t valid_pitch;
  uint32_t pixels;
  Axis vertical;
  Axis horizontal;
  float window;
  float eps;
  bool naoto;

  KIN_DEVICE void operator()() const {
    const uint32_t pixel = blockIdx.x * kThreads + threadIdx.x;
    if (pixel >= pixels) return;
    const uint32_t width = horizontal.out;
    const uint32_t height = vertical.out;
    const int x0 = horizontal.origin(pixel % width);
    const int y0 = vertical.origin(pixel / width % height);
    const int64_t first = int64_t{pixel / width / height} * vertical.in;

    const int r_end = vertical.end(y0);
    const int s_begin = horizontal.begin(x0);
    const int s_end = horizontal.end(x0);

    float known[kPlanes] = {};
    for (int r = vertical.begin(y0); r < r_end; ++r) {
      const int64_t row = (first + y0 + r * vertical.dilation) * horizontal.in + x0;
#pragma unroll 4
      for (int s = s_begin; s < s_end; ++s) {  // without a test: loads are on their way together
        const int64_t tap = row + s * horizontal.dilation;
#pragma unroll
        for (int i = 0; i < kPlanes; ++i) {
          known[i] += device::load(plane[i].mask + tap * plane[i].pitch);
        }
      }
    }
    float sum = 0;
#pragma unroll
    for (int i = 0; i < kPlanes; ++i) sum = device::fma(plane[i].channels, known[i], sum);

    device::Pack<float> ratio{}, valid{};
    if (naoto) {
      ratio.x[0] = sum == 0 ? 0.0f : 1.0f / sum;
      valid.x[0] = sum == 0 ? 0.0f : 1.0f;
    } else if (!(sum <= 0)) {  // a NaN is kept
      valid.x[0] = sum > 1 ? 1.0f : sum;
      ratio.x[0] = window / (sum + eps) * valid.x[0];
    }
    device::store_pack(ratios + pixel * ratio_pitch, ratio);
    device::store_pack(valids + pixel * valid_pitch, valid);
  }
};

constexpr const char* kOp = "partial_mask";

Axis axis_of(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
             int64_t padding) {
  // Every tap of every window lies in the padded picture.
  static_cast<void>(
      device::narrow_int(kOp, checked_add(in, checked_multiply(2, padding)), "pixels"));
  return {.in = device::narrow_int(kOp, in, "pixels"),
          .out = device::narrow_int(kOp, out, "pixels"),
          .kernel = device::narrow_int(kOp, kernel, "taps"),
          // Of one output pixel or one tap no step is taken.
          .stride = out == 1 ? 1 : device::narrow_int(kOp, stride, "pixels"),
          .dilation = kernel == 1 ? 1 : device::narrow_int(kOp, dilation, "pixels"),
          .padding = device::narrow_int(kOp, padding, "pixels")};
}

template <int kPlanes>
void launch(const Desc& desc, const Args<float>& args, device::Stream& stream) {
  using Kernel = PartialMask<kPlanes>;
  const Shape& in = args.masks[0].shape;
  const Shape& out = args.ratio.shape;
  const int pixels = device::narrow_int(kOp, out.pixels(), "pixels");
  Kernel kernel{.plane = {},
                .ratios = args.ratio.data,
                .valids = args.valid.data,
                .ratio_pitch = args.ratio.pitch,
                .valid_pitch = args.valid.pitch,
                .pixels = static_cast<uint32_t>(pixels),
                .vertical = axis_of(in.h(), out.h(), desc.kernel.h, desc.stride.h, desc.dilation.h,
                                    desc.padding.h),
                .horizontal = axis_of(in.w(), out.w(), desc.kernel.w, desc.stride.w,
                                      desc.dilation.w, desc.padding.w),
                .window = static_cast<float>(window_entries(desc)),
                .eps = static_cast<float>(desc.eps),
                .naoto = desc.form == Form::naoto};
  for (size_t i = 0; i < kPlanes; ++i) {
    kernel.plane[i] = {args.masks[i].data, args.masks[i].pitch,
                       static_cast<float>(desc.channels[i])};
  }
  const device::Grid grid{
      .x = static_cast<unsigned>(divide_up(int64_t{pixels}, int64_t{Kernel::kThreads}))};
  device::launch(stream, grid, kernel);
}

}  // namespace

void cuda(const Desc& desc, const Args<float>& args, device::Stream& stream) {
  const Shape& mask = args.masks[0].shape;
  const Shape out = output_shape(desc, mask);
  if (!(out == args.ratio.shape) || !(out == args.valid.shape) ||
      (desc.planes() > 1 && !(args.masks[1].shape == mask))) {
    throw Error(ErrorCode::internal, "partial_mask on CUDA: a mask or the output does not fit");
  }
  device::check_aligned(kOp, args.ratio, args.valid);
  if (desc.planes() == 1) return launch<1>(desc, args, stream);
  launch<2>(desc, args, stream);
}

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  partial_mask::cuda(desc, bind<float>(desc, call), stream);
}

}  // namespace kintsugi::partial_mask
