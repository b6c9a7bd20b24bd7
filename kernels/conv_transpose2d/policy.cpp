// SPDX-License-Identifier: MIT
#include <algorithm>

#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/conv_transpose2d/phases.h"
#include "kernels/simd/filter_order.h"
#include "kernels/simd/tap_convolution.h"
#include "kernels/simd/tile.h"
#include "kernels/simd/transform.h"

namespace kintsugi::conv_transpose2d {

bool accepts(const Desc& desc, const Step& step) {
  return accepts_behind(desc.epilogue, desc.out_channels, step);
}

bool accepts(const Desc& desc, const Prologue& prologue) {
  return accepts_before(desc.prologue, prologue, false);
}

int64_t CpuConfig::block_channels() const { return vectors * simd::lanes(isa); }

namespace {

simd::FilterOrder order_of(const Desc& desc, const CpuConfig& config) {
  return simd::filter_order(desc.out_channels, desc.epilogue, config.isa, config.vectors);
}

}  // namespace

CpuConfig choose(const Desc& desc, const Shape& input, simd::Isa isa) {
  const Shape out = output_shape(desc, input);
  CpuConfig config{.isa = isa};
  // Two vectors share each broadcast input value; where one holds all channels, the second would
  // compute zeros.
  config.vectors = desc.out_channels <= simd::lanes(isa) ? 1 : 2;
  const simd::FilterOrder order = order_of(desc, config);
  config.vectors = order.vectors;
  const int64_t rows = divide_up(out.h(), desc.stride.h);  // of a phase
  const int64_t width = divide_up(out.w(), desc.stride.w);
  config.tile_pixels = std::min(simd::max_tile_pixels(isa, config.vectors), width);
  // A task reads its block of weights from beyond L2 once: over 512 pixels that is hidden.
  config.task_rows = std::clamp<int64_t>(512 / width, 1, rows);
  // Yet a small image is to leave work for several threads, and an even share of it.
  const Pair phases = phases_of(desc.stride, out);
  const int64_t lists = checked_product({phases.h, phases.w, order.blocks()});
  const auto tasks = [&] { return checked_multiply(lists, divide_up(rows, config.task_rows)); };
  while (config.task_rows > 1 && tasks() < 32) config.task_rows = (config.task_rows + 1) / 2;
  return config;
}

std::string to_string(const CpuConfig& config) {
  return std::string(simd::to_string(config.isa)) + " tile " + std::to_string(config.tile_pixels) +
         "x" + std::to_string(config.block_channels()) + ", " + std::to_string(config.task_rows) +
         (config.task_rows == 1 ? " row a task" : " rows a task");
}

int64_t moment_tiles(const Desc& desc, const CpuConfig& config, const Shape& input) {
  const Shape out = output_shape(desc, input);
  const Pair phases = phases_of(desc.stride, out);
  return simd::moment_tiles(out.h(), desc.stride, checked_multiply(phases.h, phases.w),
                            config.task_rows);
}

std::string packing(const Desc& desc, const CpuConfig& config) {
  const simd::FilterOrder order = order_of(desc, config);
  return (order.gated ? "gated block " : "block ") + std::to_string(order.block());
}

int64_t packed_elements(const Desc& desc, const CpuConfig& config) {
  const simd::FilterOrder order = order_of(desc, config);
  return checked_product({order.blocks(), order.block(), desc.kernel.h, desc.kernel.w,
                          storage_channels(desc.in_channels)});
}

int64_t workspace_elements(const Desc& desc, const CpuConfig&, const Shape& input, int) {
  return desc.prologue.steps.empty() ? 0 : simd::copy_elements(input);
}

void pack(const Desc& desc, const CpuConfig& config, const Rows& rows,
          std::span<const float> weight, std::span<float> packed) {
  const int64_t taps = desc.kernel.h * desc.kernel.w;
  const int64_t channels = storage_channels(desc.in_channels);
  const simd::FilterOrder order = order_of(desc, config);
  const int64_t block = order.block();
  const auto offset = [&](int64_t i) {
    const int64_t column = order.column(i / taps);
    return (column / block * taps + i % taps) * channels * block + column % block;
  };
  pack_rows(
      rows, desc.out_channels * taps, weight, packed, [&](int64_t c) { return c * block; }, offset,
      [](float value) { return value; });
}

}  // namespace kintsugi::conv_transpose2d
