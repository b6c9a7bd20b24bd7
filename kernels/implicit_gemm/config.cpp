// SPDX-License-Identifier: MIT
#include "kernels/implicit_gemm/config.h"

#include <algorithm>
#include <bit>
#include <type_traits>

namespace kintsugi::implicit_gemm {
namespace {

constexpr int64_t kChunkBytes = 16;
constexpr int64_t kStageChunks = 4;

int64_t blocks(const CudaConfig& config, int64_t row_blocks, int64_t columns) {
  return checked_multiply(row_blocks, divide_up(columns, config.tile_n));
}

/// Of all blocks and all parts of the depth.
int64_t sum_bytes(const CudaConfig& config, int64_t blocks) {
  return checked_product({blocks, config.splits, kTileM, config.tile_n, 4});
}

/// As cvt.rna.tf32: to 10 bits of mantissa, ties away from zero.
float round_tf32(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7f800000u) == 0x7f800000u) return value;
  return std::bit_cast<float>((bits + 0x1000u) & ~0x1fffu);
}

}  // namespace

std::string to_string(const CudaConfig& config) {
  std::string text = config.method == CudaMethod::tensor_core ? "tensor cores" : "simt";
  text += ", tile 128x" + std::to_string(config.tile_n);
  if (config.gated) text += ", gated";
  if (config.splits > 1) text += ", depth in " + std::to_string(config.splits);
  return text;
}

std::string packing(const CudaConfig& config) {
  // Where elements are stored as float, those for tensor cores were rounded to tf32.
  return std::string(config.method == CudaMethod::tensor_core ? "tensor cores" : "simt") +
         ", channels to a multiple of " + std::to_string(config.tile_n) +
         (config.gated ? ", gates behind their features" : "");
}

int64_t pixel_bytes(int64_t channels, int64_t element_bytes) {
  return round_up(checked_multiply(channels, element_bytes), kChunkBytes);
}

int64_t pixel_chunks(int64_t channels, int64_t element_bytes) {
  return pixel_bytes(channels, element_bytes) / kChunkBytes;
}

int64_t columns_of(int64_t filters, bool gated, int64_t element_bytes) {
  return gated ? 2 * round_up(filters / 2, kChunkBytes / element_bytes) : filters;
}

int64_t sample_rows(int64_t pixels, bool moments) {
  return moments ? round_up(pixels, kTileM) : pixels;
}

int64_t row_blocks(int64_t items, int64_t pixels, bool moments) {
  return divide_up(checked_multiply(items, sample_rows(pixels, moments)), kTileM);
}

CudaConfig choose(const Product& product, int64_t element_bytes, FloatMath math,
                  const device::DeviceInfo& device) {
  CudaConfig config;
  config.gated = product.gated;
  if (element_bytes < 4 || math == FloatMath::tf32) {
    config.method = CudaMethod::tensor_core;
    // The narrowest tile that holds all channels, eight being the width of one instruction: wider
    // ones multiply zeros. Beyond 128 the sums of a warp no longer fit its registers.
    config.tile_n = product.gated || product.changes ? kLeastFused : 8;
    const int64_t widest = product.changes ? product.widest_changed : 128;
    while (config.tile_n < std::min(product.columns, widest)) config.tile_n *= 2;
  }
  // An image with fewer blocks than the device has multiprocessors leaves some idle: its depth is
  // split among more of them, as long as a part fills the pipeline twice (8 stages), for a part costs
  // a write and a read of all sums.
  const int64_t whole = blocks(config, product.row_blocks, product.columns);
  const int64_t most = std::max<int64_t>(divide_up(product.chunks, kStageChunks) / 8, 1);
  config.splits = static_cast<int>(
      std::clamp<int64_t>(device.multiprocessors / std::max<int64_t>(whole, 1), 1, most));
  return config;
}

Scratch scratch(const CudaConfig& config, const Product& product) {
  if (config.splits == 1) return {};
  const int64_t count = blocks(config, product.row_blocks, product.columns);
  return {.ticket_bytes = checked_multiply(count, 4), .partial_bytes = sum_bytes(config, count)};
}

Traffic weight_traffic(const CudaConfig& config, int64_t row_blocks, int64_t columns,
                       int64_t chunks) {
  const int64_t count = blocks(config, row_blocks, columns);
  Traffic moved;
  moved.read = checked_product({count, config.tile_n, chunks, kChunkBytes});
  if (config.splits > 1) {
    // A ticket is drawn by every part, and put back once.
    const int64_t sums = sum_bytes(config, count);
    const int64_t draws = checked_product({count, config.splits, 4});
    moved.read = checked_add(moved.read, checked_add(sums, draws));
    moved.written = checked_add(checked_add(sums, draws), checked_multiply(count, 4));
  }
  return moved;
}

int64_t packed_elements(const Filters& filters, const CudaConfig& config, int64_t element_bytes) {
  const int64_t columns = columns_of(filters.out_channels, config.gated, element_bytes);
  return checked_product({round_up(columns, config.tile_n), filters.taps,
                          pixel_chunks(filters.in_channels, element_bytes),
                          kChunkBytes / element_bytes});
}

template <class T>
void pack(const Filters& filters, const CudaConfig& config, const Rows& rows,
          std::span<const float> weight, std::span<T> packed) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  const int64_t taps = filters.taps;
  const int64_t channels = round_up(filters.in_channels, kChunkBytes / kSize);
  const bool rounds = std::is_same_v<T, float> && config.method == CudaMethod::tensor_core;
  // Where a filter begins: one of neighbouring features, then their gates.
  const auto filter = [&](int64_t k) {
    constexpr int64_t kGroup = kChunkBytes / kSize;
    const int64_t features = filters.out_channels / 2;
    const int64_t of_half = config.gated ? k % features : 0;
    const int64_t column =
        config.gated ? of_half / kGroup * 2 * kGroup + k / features * kGroup + of_half % kGroup : k;
    return column * taps * channels;
  };
  // A row is a filter or, of a transposed convolution, a channel of all filters.
  const int64_t inner =
      taps * (filters.rows_are_filters ? filters.in_channels : filters.out_channels);
  const auto place = [&](int64_t tap, int64_t c) { return tap * channels + c; };
  const auto convert = [&](float v) { return narrow<T>(rounds ? round_tf32(v) : v); };
  if (filters.rows_are_filters) {
    const auto offset = [&](int64_t i) { return place(i % taps, i / taps); };
    return pack_rows(rows, inner, weight, packed, filter, offset, convert);
  }
  const auto offset = [&](int64_t i) { return filter(i / taps) + place(i % taps, 0); };
  pack_rows(
      rows, inner, weight, packed, [](int64_t c) { return c; }, offset, convert);
}

template void pack(const Filters&, const CudaConfig&, const Rows&, std::span<const float>,
                   std::span<float>);
template void pack(const Filters&, const CudaConfig&, const Rows&, std::span<const float>,
                   std::span<f16>);
template void pack(const Filters&, const CudaConfig&, const Rows&, std::span<const float>,
                   std::span<bf16>);

}  // namespace kintsugi::implicit_gemm
