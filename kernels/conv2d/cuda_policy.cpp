// SPDX-License-Identifier: MIT
#include <algorithm>
#include <bit>
#include <type_traits>

#include "kernels/conv2d/cuda.h"

namespace kintsugi::conv2d {
namespace {

constexpr int64_t kChunkBytes = 16;
constexpr int64_t kDepthBytes = 64;  // of a stage

/// The depth of a row in stages.
int64_t depth_tiles(const Desc& desc, int64_t element_bytes) {
  const int64_t pixel = round_up(checked_multiply(desc.in_channels, element_bytes), kChunkBytes);
  return divide_up(checked_product({desc.kernel.h, desc.kernel.w, pixel}), kDepthBytes);
}

int64_t blocks(const Desc& desc, const CudaConfig& config, const Shape& output) {
  return checked_multiply(divide_up(output.pixels(), kCudaTileM),
                          divide_up(desc.out_channels, config.tile_n));
}

/// How many taps of one axis lie inside the picture, over all output coordinates.
int64_t taps_inside(int64_t outputs, int64_t extent, int64_t kernel, int64_t stride,
                    int64_t dilation, int64_t padding, PaddingMode mode) {
  int64_t count = 0;
  for (int64_t i = 0; i < outputs; ++i) {
    for (int64_t r = 0; r < kernel; ++r) {
      count += source_coordinate(i * stride + r * dilation - padding, extent, mode) >= 0 ? 1 : 0;
    }
  }
  return count;
}

/// As cvt.rna.tf32: to 10 bits of mantissa, ties away from zero.
float round_tf32(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7f800000u) == 0x7f800000u) return value;
  return std::bit_cast<float>((bits + 0x1000u) & ~0x1fffu);
}

}  // namespace

CudaConfig choose_cuda(const Desc& desc, const Shape& input, int64_t element_bytes, FloatMath math,
                       const device::DeviceInfo& device) {
  const Shape out = output_shape(desc, input);
  const Shape picture{1, out.c(), out.h(), out.w()};
  CudaConfig config;
  if (element_bytes < 4 || math == FloatMath::tf32) {
    config.method = CudaMethod::tensor_core;
    // The narrowest tile that holds all channels: wider ones multiply zeros. Beyond 128 the sums of
    // a warp no longer fit its registers.
    config.tile_n = desc.out_channels <= 32 ? 32 : desc.out_channels <= 64 ? 64 : 128;
  }
  // A picture with fewer blocks than the device has multiprocessors leaves some idle: its depth is
  // split among more of them, as long as a part fills the pipeline twice (8 stages), for a part costs
  // a write and a read of all sums.
  const int64_t whole = blocks(desc, config, picture);
  const int64_t most = std::max<int64_t>(depth_tiles(desc, element_bytes) / 8, 1);
  config.splits = static_cast<int>(
      std::clamp<int64_t>(device.multiprocessors / std::max<int64_t>(whole, 1), 1, most));
  return config;
}

std::string to_string(const CudaConfig& config) {
  std::string text = config.method == CudaMethod::tensor_core ? "tensor cores" : "simt";
  text += ", tile 128x" + std::to_string(config.tile_n);
  if (config.splits > 1) text += ", depth in " + std::to_string(config.splits);
  return text;
}

std::string packing_cuda(const CudaConfig& config) {
  // Where elements are stored as float, those for tensor cores were rounded to tf32.
  return std::string(config.method == CudaMethod::tensor_core ? "tensor cores" : "simt") +
         ", channels to a multiple of " + std::to_string(config.tile_n);
}

int64_t packed_elements(const Desc& desc, const CudaConfig& config, int64_t element_bytes) {
  return checked_product({round_up(desc.out_channels, config.tile_n),
                          depth_tiles(desc, element_bytes), kDepthBytes / element_bytes});
}

template <class T>
void pack(const Desc& desc, const CudaConfig& config, std::span<const float> weight,
          std::span<T> packed) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  const int64_t taps = desc.kernel.h * desc.kernel.w;
  const int64_t channels = round_up(desc.in_channels, kChunkBytes / kSize);
  const int64_t depth = depth_tiles(desc, kSize) * (kDepthBytes / kSize);
  const bool rounds = std::is_same_v<T, float> && config.method == CudaMethod::tensor_core;
  std::fill(packed.begin(), packed.end(), T{});
  size_t i = 0;
  for (int64_t k = 0; k < desc.out_channels; ++k) {
    for (int64_t c = 0; c < desc.in_channels; ++c) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        const float value = weight[i++];
        packed[static_cast<size_t>(k * depth + tap * channels + c)] =
            narrow<T>(rounds ? round_tf32(value) : value);
      }
    }
  }
}

template void pack(const Desc&, const CudaConfig&, std::span<const float>, std::span<float>);
template void pack(const Desc&, const CudaConfig&, std::span<const float>, std::span<f16>);
template void pack(const Desc&, const CudaConfig&, std::span<const float>, std::span<bf16>);

Scratch scratch(const Desc& desc, const CudaConfig& config, const Shape& input) {
  if (config.splits == 1) return {};
  const int64_t count = blocks(desc, config, output_shape(desc, input));
  return {.ticket_bytes = checked_multiply(count, 4),
          .partial_bytes = checked_product({count, config.splits, kCudaTileM, config.tile_n, 4})};
}

Traffic traffic(const Desc& desc, const CudaConfig& config, const Shape& input,
                int64_t element_bytes) {
  const Shape out = output_shape(desc, input);
  const int64_t taps =
      checked_multiply(taps_inside(out.h(), input.h(), desc.kernel.h, desc.stride.h,
                                   desc.dilation.h, desc.padding.h, desc.padding_mode),
                       taps_inside(out.w(), input.w(), desc.kernel.w, desc.stride.w,
                                   desc.dilation.w, desc.padding.w, desc.padding_mode));
  const int64_t columns = divide_up(desc.out_channels, config.tile_n);
  const int64_t count = blocks(desc, config, out);
  const auto pixel_bytes = [&](int64_t channels) {
    return round_up(checked_multiply(channels, element_bytes), kChunkBytes);
  };
  Traffic moved;
  moved.read = checked_add(
      checked_product({input.n(), taps, columns, pixel_bytes(desc.in_channels)}),
      checked_product({count, config.tile_n, depth_tiles(desc, element_bytes), kDepthBytes}));
  moved.written = checked_multiply(out.pixels(), pixel_bytes(desc.out_channels));
  if (config.splits > 1) {
    const int64_t sums = checked_product({count, config.splits, kCudaTileM, config.tile_n, 4});
    moved.read = checked_add(moved.read, sums);
    moved.written = checked_add(moved.written, sums);
    // A ticket is drawn by every part, and put back once.
    moved.read = checked_add(moved.read, checked_product({count, config.splits, 4}));
    moved.written = checked_add(moved.written, checked_product({count, config.splits + 1, 4}));
  }
  return moved;
}

}  // namespace kintsugi::conv2d
