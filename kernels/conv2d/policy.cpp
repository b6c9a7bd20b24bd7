// SPDX-License-Identifier: MIT
#include <algorithm>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/direct.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/simd/tap_convolution.h"
#include "kernels/simd/tile.h"
#include "kernels/simd/transform.h"

namespace kintsugi::conv2d {

bool accepts(const Desc& desc, const Step& step) {
  return accepts_behind(desc.epilogue, desc.out_channels, step);
}

bool accepts(const Desc& desc, const Prologue& prologue) {
  return accepts_before(desc.prologue, prologue, true);
}

int64_t CpuConfig::block_channels() const { return vectors * simd::lanes(isa); }

namespace {

bool winograd_pays(const Desc& desc, const Shape& out) {
  if (!winograd::has_form(desc)) return false;
  // The transforms are a share of about 1/C + 1/K of the work.
  if (desc.in_channels < 32 || desc.out_channels < 32) return false;
  const int64_t tiles = winograd::tiles(desc, out);
  // A task reads 36/9 of the weights: few tiles do not pay for that.
  if (tiles < 64) return false;
  // Tiles that stand half outside (an image of 5x5, a dilation near the image's size) compute
  // what nobody reads; with 8 outputs of 16 a tile still has half the direct form's products.
  return out.h() * out.w() / 8 >= tiles;
}

bool few_outputs_pay(const Desc& desc, simd::Isa isa) {
  // Half of a vector of channels is enough; emulated vectors are not kept in registers. Measured on x86
  // alone (README.md).
  return desc.out_channels <= simd::kDotOutputs && desc.epilogue.gate() < 0 &&
         desc.in_channels >= 8 && isa != simd::Isa::emu128;
}

/// Tiles of an image to a task.
int64_t winograd_tiles(const CpuConfig& config, int64_t tiles) {
  // Register tiles share what a task streams through L2, all transformed weights. Two of 13 pixels are
  // enough, and leave little to wait for at the end (README.md; measured with AVX-512, assumed of NEON);
  // of 6 and 12 pixels as many as three of those.
  const int64_t register_tiles = config.tile_pixels == 13 ? 2 : 39 / config.tile_pixels;
  const int64_t most = register_tiles * config.tile_pixels;
  // Yet a small image is to leave eight tasks, an even share of it for several threads, unless
  // they get too small for their weights.
  const int64_t tasks = std::max(divide_up(tiles, most), std::min<int64_t>(8, tiles / 16));
  return divide_up(tiles, tasks);
}

}  // namespace

CpuConfig choose(const Desc& desc, const Shape& input, simd::Isa isa, bool allow_winograd) {
  const Shape out = output_shape(desc, input);
  CpuConfig config{.isa = isa};
  // Two vectors share each broadcast input value; where one holds all channels, the second would
  // compute zeros.
  config.vectors = desc.out_channels <= simd::lanes(isa) ? 1 : 2;
  if (allow_winograd && winograd_pays(desc, out)) {
    config.algorithm = Algorithm::winograd;
    config.tile_pixels = simd::max_tile_pixels(isa, config.vectors);
    config.task_tiles = winograd_tiles(config, winograd::tiles(desc, out));
    return config;
  }
  const simd::FilterOrder order = order_of(desc, config);
  config.vectors = order.vectors;
  const Pair phases = phases_of(desc);
  const int64_t rows = divide_up(out.h(), phases.h);  // of a phase
  const int64_t width = divide_up(out.w(), phases.w);
  int64_t pixels = simd::max_tile_pixels(isa, config.vectors);
  if (few_outputs_pay(desc, isa)) {
    config.algorithm = Algorithm::few_outputs;
    pixels = simd::max_dot_pixels(isa, desc.out_channels);
  }
  config.tile_pixels = std::min(pixels, width);
  // A task reads its block of weights from beyond L2 once: over 512 pixels that is hidden.
  config.task_rows = std::clamp<int64_t>(512 / width, 1, rows);
  // Yet a small image is to leave work for several threads, and an even share of it.
  const int64_t lists = checked_product({order.blocks(), phases.h, phases.w});
  const auto tasks = [&] { return checked_multiply(lists, divide_up(rows, config.task_rows)); };
  while (config.task_rows > 1 && tasks() < 32) config.task_rows = (config.task_rows + 1) / 2;
  return config;
}

std::string to_string(const CpuConfig& config) {
  const std::string isa = simd::to_string(config.isa);
  const std::string rows =
      std::to_string(config.task_rows) + (config.task_rows == 1 ? " row a task" : " rows a task");
  if (config.algorithm == Algorithm::few_outputs) {
    return isa + " few outputs, tile of " + std::to_string(config.tile_pixels) + ", " + rows;
  }
  const std::string tile =
      "tile " + std::to_string(config.tile_pixels) + "x" + std::to_string(config.block_channels());
  if (config.algorithm == Algorithm::winograd) {
    return isa + " winograd 4x4, " + tile + ", " + std::to_string(config.task_tiles) +
           " tiles a task";
  }
  return isa + " " + tile + ", " + rows;
}

std::string packing(const Desc& desc, const CpuConfig& config) {
  if (config.algorithm == Algorithm::winograd) {
    return "winograd, block " + std::to_string(config.block_channels());
  }
  if (config.algorithm == Algorithm::few_outputs) {
    return "few outputs, vectors of " + std::to_string(simd::lanes(config.isa));
  }
  const simd::FilterOrder order = order_of(desc, config);
  return (order.gated ? "gated block " : "block ") + std::to_string(order.block());
}

int64_t packed_elements(const Desc& desc, const CpuConfig& config) {
  if (config.algorithm == Algorithm::winograd) return winograd::packed_elements(desc, config);
  return checked_product({order_of(desc, config).blocks(), desc.kernel.h, desc.kernel.w,
                          matrix_elements(desc, config)});
}

int64_t workspace_elements(const Desc& desc, const CpuConfig& config, const Shape& input,
                           int threads) {
  if (config.algorithm != Algorithm::winograd) {
    return desc.prologue.steps.empty() ? 0 : simd::copy_elements(input);
  }
  return checked_multiply(threads, winograd::workspace_elements(desc, config));
}

int64_t moment_tiles(const Desc& desc, const CpuConfig& config, const Shape& input) {
  const Shape out = output_shape(desc, input);
  if (config.algorithm == Algorithm::winograd) {
    return divide_up(winograd::tiles(desc, out), config.task_tiles);
  }
  const Pair phases = phases_of(desc);
  return simd::moment_tiles(out.h(), phases, phases.h * phases.w, config.task_rows);
}

namespace {

/// A weight as it is.
constexpr auto kAsItIs = [](float value) { return value; };

/// [tap][vector of channels][filter][lanes].
void pack_few_outputs(const Desc& desc, const CpuConfig& config, const Rows& rows,
                      std::span<const float> weight, std::span<float> packed) {
  const int64_t taps = desc.kernel.h * desc.kernel.w;
  const int64_t lanes = simd::lanes(config.isa);
  const int64_t matrix = matrix_elements(desc, config);
  const auto offset = [&](int64_t i) {
    const int64_t c = i / taps;
    return i % taps * matrix + c / lanes * desc.out_channels * lanes + c % lanes;
  };
  pack_rows(
      rows, desc.in_channels * taps, weight, packed, [&](int64_t k) { return k * lanes; }, offset,
      kAsItIs);
}

}  // namespace

void pack(const Desc& desc, const CpuConfig& config, const Rows& rows,
          std::span<const float> weight, std::span<float> packed) {
  if (config.algorithm == Algorithm::winograd) {
    return winograd::pack(desc, config, rows, weight, packed);
  }
  if (config.algorithm == Algorithm::few_outputs) {
    return pack_few_outputs(desc, config, rows, weight, packed);
  }
  const int64_t taps = desc.kernel.h * desc.kernel.w;
  const int64_t channels = storage_channels(desc.in_channels);
  const simd::FilterOrder order = order_of(desc, config);
  const int64_t block = order.block();
  const auto filter = [&](int64_t k) {
    const int64_t column = order.column(k);
    return column / block * taps * channels * block + column % block;
  };
  const auto offset = [&](int64_t i) { return (i % taps * channels + i / taps) * block; };
  pack_rows(rows, desc.in_channels * taps, weight, packed, filter, offset, kAsItIs);
}

}  // namespace kintsugi::conv2d
