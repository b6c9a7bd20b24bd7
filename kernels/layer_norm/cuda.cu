// SPDX-License-Identifier: MIT
//
// layer_norm on CUDA.
//
// Math        y = (x - mean) / sqrt(variance + eps) * weight + bias, of each pixel (layer_norm.h)
// Shapes      x, y [N,H,W,C] with a pitch; weight, bias [C] f32
// Tiling      grid (pixels / (256 / lanes)); the lanes of a pixel stand in one warp, a lane takes every
//             lanes-th group of 16 bytes of its channels, and keeps up to kHeld of them in registers
// Shared      none
// Sync        none; shuffles within a warp
// Numerics    f32, of differences from the pixel's first channel, so that a large mean takes no digit;
//             squares about the mean in a second pass; one rounding at the store
// Roofline    8 FLOP over 2*e bytes an element, e of an element: bound by memory; weight and bias come
//             from L1, 8 bytes an element
// Limits      pixels start at multiples of 16 bytes; fewer than 2^31 pixels and channels
#include "kernels/layer_norm/cuda.h"

#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/narrow.h"
#include "kernels/device/numeric.cuh"
#include "kernels/device/steps.cuh"
#include "kernels/device/warp.cuh"
#include "kernels/layer_norm/contract.h"

namespace kintsugi::layer_norm {
namespace {

template <typename T, int kHeld>
struct LayerNorm {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = kHeld > 2 ? 112 : 48;
  static constexpr int kPer = device::Pack<T>::kCount;

  const T* input;
  const float* weight;  // both or none
  const float* bias;
  T* output;
  int64_t pitch;
  int64_t out_pitch;
  uint32_t pixels;
  uint32_t packs;
  uint32_t lanes;
  int channels;
  float share;  // 1 / channels
  float eps;

  /// Of all lanes of a pixel; the whole warp comes here.
  KIN_DEVICE float sum_lanes(float value) const {
    for (uint32_t apart = lanes / 2; apart > 0; apart /= 2) {
      value += device::shfl_xor(value, static_cast<int>(apart));
    }
    return value;
  }

  KIN_DEVICE void operator()() const {
    const uint32_t lane = threadIdx.x % lanes;
    const uint32_t pixel = blockIdx.x * (kThreads / lanes) + threadIdx.x / lanes;
    // Behind the last pixel a lane has nothing, but joins the shuffles.
    const uint32_t end = pixel < pixels ? packs : 0;
    const T* from = input + (pixel < pixels ? pixel : 0) * pitch;

    device::Pack<T> held[kHeld > 0 ? kHeld : 1];
#pragma unroll
    for (int j = 0; j < kHeld; ++j) {
      const uint32_t p = lane + j * lanes;
      if (p < end) held[j] = device::load_pack(from + p * kPer);
    }
    // f(group, what it holds) for every group of this lane.
    const auto each = [&](const auto& f) {
      if constexpr (kHeld > 0) {
#pragma unroll
        for (int j = 0; j < kHeld; ++j) {
          const uint32_t p = lane + j * lanes;
          if (p < end) f(p, held[j]);
        }
      } else {
        for (uint32_t p = lane; p < end; p += lanes) f(p, device::load_pack(from + p * kPer));
      }
    };

    float pivot = 0;
    if (lane == 0 && end > 0) pivot = device::to_float(device::load(from));
    pivot = device::shfl(pivot, static_cast<int>(threadIdx.x % device::kWarpSize - lane));
    float sum = 0;
    each([&](uint32_t p, const device::Pack<T>& pack) {
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        const bool inside = static_cast<int>(p) * kPer + i < channels;
        sum += inside ? device::to_float(pack.x[i]) - pivot : 0.0f;
      }
    });
    const float mean = sum_lanes(sum) * share;
    float squares = 0;
    each([&](uint32_t p, const device::Pack<T>& pack) {
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        const bool inside = static_cast<int>(p) * kPer + i < channels;
        const float difference = inside ? device::to_float(pack.x[i]) - pivot - mean : 0.0f;
        squares = device::fma(difference, difference, squares);
      }
    });
    const float scale = device::rsqrt(device::fma(sum_lanes(squares), share, eps));
    each([&](uint32_t p, const device::Pack<T>& pack) {
      const int k = static_cast<int>(p) * kPer;
      float factor[kPer];
      float addend[kPer];
      if (weight != nullptr) {
        device::read_floats(weight + k, factor);
        device::read_floats(bias + k, addend);
      }
      device::Pack<T> result;
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        float value = (device::to_float(pack.x[i]) - pivot - mean) * scale;
        if (weight != nullptr) value = device::fma(value, factor[i], addend[i]);
        result.x[i] = device::from_float<T>(k + i < channels ? value : 0.0f);
      }
      device::store_pack(output + pixel * out_pitch + k, result);
    });
  }
};

constexpr const char* kOp = "layer_norm";

template <int kHeld, class T>
void launch(const Desc& desc, const CudaConfig& config, const Args<T>& args,
            device::Stream& stream) {
  using Kernel = LayerNorm<T, kHeld>;
  const Shape& shape = args.output.shape;
  const int64_t pixels = device::narrow_int(kOp, shape.pixels(), "pixels");
  const int64_t channels =
      device::narrow_int(kOp, round_up(shape.c(), int64_t{Kernel::kPer}), "channels");
  const auto lanes = static_cast<uint32_t>(config.lanes);
  const int64_t blocks = divide_up(pixels, int64_t{Kernel::kThreads / lanes});
  device::launch(stream, {.x = static_cast<unsigned>(blocks)},
                 Kernel{.input = args.input.data,
                        .weight = args.weight.data(),
                        .bias = args.bias.data(),
                        .output = args.output.data,
                        .pitch = args.input.pitch,
                        .out_pitch = args.output.pitch,
                        .pixels = static_cast<uint32_t>(pixels),
                        .packs = static_cast<uint32_t>(channels / Kernel::kPer),
                        .lanes = lanes,
                        .channels = static_cast<int>(shape.c()),
                        .share = 1.0f / static_cast<float>(shape.c()),
                        .eps = static_cast<float>(desc.eps)});
}

template <class T>
void check(const Desc& desc, const CudaConfig& config, const Args<T>& args) {
  constexpr int kPer = device::Pack<T>::kCount;
  const auto refuse = [](const char* what) {
    throw Error(ErrorCode::internal, std::string("layer_norm on CUDA: ") + what);
  };
  if (!(output_shape(desc, args.input.shape) == args.output.shape)) {
    refuse("an output does not fit");
  }
  device::check_aligned(kOp, args.input, args.output, args.weight.data(), args.bias.data());
  if (desc.affine == args.weight.empty() || desc.affine == args.bias.empty()) {
    refuse("weight and bias are given with `affine`, and only then");
  }
  const int lanes = config.lanes;
  const int64_t packs = divide_up(args.input.shape.c(), int64_t{kPer});
  if (lanes < 1 || lanes > device::kWarpSize || (lanes & (lanes - 1)) != 0 ||
      (config.held > 0 && packs > int64_t{config.held} * lanes)) {
    refuse("a configuration is not of this shape");
  }
}

}  // namespace

template <class T>
void cuda(const Desc& desc, const CudaConfig& config, const Args<T>& args, device::Stream& stream) {
  check(desc, config, args);
  switch (config.held) {
    case 0: return launch<0>(desc, config, args, stream);
    case 2: return launch<2>(desc, config, args, stream);
    case 8: return launch<8>(desc, config, args, stream);
    default:
      throw Error(ErrorCode::internal,
                  "layer_norm on CUDA holds no " + std::to_string(config.held) + " groups");
  }
}

template void cuda(const Desc&, const CudaConfig&, const Args<float>&, device::Stream&);
template void cuda(const Desc&, const CudaConfig&, const Args<f16>&, device::Stream&);
template void cuda(const Desc&, const CudaConfig&, const Args<bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config& config, const Call& call, device::Stream& stream) {
  with_cuda_type(call.dtype, [&]<class T>(T) {
    layer_norm::cuda<T>(desc, std::get<CudaConfig>(config), bind<T>(desc, call), stream);
  });
}

}  // namespace kintsugi::layer_norm
