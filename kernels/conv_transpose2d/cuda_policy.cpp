// SPDX-License-Identifier: MIT
#include "kernels/conv_transpose2d/cuda.h"
#include "kernels/conv_transpose2d/phases.h"

namespace kintsugi::conv_transpose2d {
namespace {

struct Axes {
  Axis h, w;
};

Axes axes_of(const Desc& desc, const Shape& output) {
  return {
      axis_of(output.h(), desc.kernel.h, desc.stride.h, desc.dilation.h, desc.padding.h),
      axis_of(output.w(), desc.kernel.w, desc.stride.w, desc.dilation.w, desc.padding.w),
  };
}

/// Of a phase.
int64_t pixels_of(const Axes& axes, int phase_h, int phase_w) {
  return checked_multiply(outputs(axes.h, phase_h), outputs(axes.w, phase_w));
}

/// Of the phase whose first tap is tap 0.
int64_t most_taps(const Axis& axis) { return divide_up(axis.kernel, axis.apart); }

/// `element_bytes` matters to the depth, and to gated columns below a multiple of 16. The first phase
/// has the most rows.
implicit_gemm::Product product_of(const Desc& desc, const Shape& output, int64_t element_bytes) {
  const Axes axes = axes_of(desc, output);
  return {.row_blocks = checked_product(
              {phases(axes.h), phases(axes.w),
               implicit_gemm::row_blocks(output.n(), pixels_of(axes, 0, 0), desc.moments)}),
          .columns = implicit_gemm::columns_of(desc.out_channels, desc.epilogue.gate() >= 0,
                                               element_bytes),
          .chunks = checked_product({most_taps(axes.h), most_taps(axes.w),
                                     implicit_gemm::pixel_chunks(desc.in_channels, element_bytes)}),
          .gated = desc.epilogue.gate() >= 0,
          .changes = !desc.prologue.steps.empty(),
          .widest_changed = kWidestChanged};
}

implicit_gemm::Filters filters_of(const Desc& desc) {
  const int64_t taps = checked_multiply(desc.kernel.h, desc.kernel.w);
  return {.out_channels = desc.out_channels,
          .in_channels = desc.in_channels,
          .taps = taps,
          .rows_are_filters = false};
}

/// How many taps of a phase lie inside an input of `extent`, over all its output coordinates.
int64_t taps_inside(const Axis& axis, int phase, int64_t extent) {
  const PhaseTaps taps = taps_of(axis, phase);
  int64_t count = 0;
  for (int64_t q = 0; q < outputs(axis, phase); ++q) {
    for (int64_t tap = 0; tap < taps.count; ++tap) {
      const int64_t i = q + taps.source - tap * axis.back;
      count += i >= 0 && i < extent ? 1 : 0;
    }
  }
  return count;
}

Traffic operator+(const Traffic& a, const Traffic& b) {
  return {checked_add(a.read, b.read), checked_add(a.written, b.written)};
}

}  // namespace

CudaConfig choose_cuda(const Desc& desc, const Shape& input, int64_t element_bytes, FloatMath math,
                       const device::DeviceInfo& device) {
  const Shape out = output_shape(desc, input);
  const Shape item{1, out.c(), out.h(), out.w()};
  return implicit_gemm::choose(product_of(desc, item, element_bytes), element_bytes, math, device);
}

int64_t packed_elements(const Desc& desc, const CudaConfig& config, int64_t element_bytes) {
  return implicit_gemm::packed_elements(filters_of(desc), config, element_bytes);
}

template <class T>
void pack(const Desc& desc, const CudaConfig& config, const Rows& rows,
          std::span<const float> weight, std::span<T> packed) {
  implicit_gemm::pack(filters_of(desc), config, rows, weight, packed);
}

template void pack(const Desc&, const CudaConfig&, const Rows&, std::span<const float>,
                   std::span<float>);
template void pack(const Desc&, const CudaConfig&, const Rows&, std::span<const float>,
                   std::span<f16>);
template void pack(const Desc&, const CudaConfig&, const Rows&, std::span<const float>,
                   std::span<bf16>);

int64_t moment_tiles(const Desc& desc, const CudaConfig&, const Shape& input) {
  const Shape out = output_shape(desc, input);
  return product_of(desc, {1, out.c(), out.h(), out.w()}, 4).row_blocks;
}

Scratch scratch(const Desc& desc, const CudaConfig& config, const Shape& input) {
  // Where there are gates, tiles are so wide that they are as many for every size of an element.
  return implicit_gemm::scratch(config, product_of(desc, output_shape(desc, input), 4));
}

Traffic traffic(const Desc& desc, const CudaConfig& config, const Shape& input,
                int64_t element_bytes) {
  const Shape out = output_shape(desc, input);
  const Axes axes = axes_of(desc, out);
  const int64_t columns = product_of(desc, out, element_bytes).columns;
  const int64_t column_tiles = divide_up(columns, config.tile_n);
  const int64_t pixel_chunks = implicit_gemm::pixel_chunks(desc.in_channels, element_bytes);
  Traffic moved{device::operand_bytes(desc.epilogue, out, element_bytes),
                device::group_bytes(out, element_bytes)};
  for (int y = 0; y < phases(axes.h); ++y) {
    for (int x = 0; x < phases(axes.w); ++x) {
      // Of blocks without a pixel nothing is read.
      const int64_t row_blocks =
          implicit_gemm::row_blocks(out.n(), pixels_of(axes, y, x), desc.moments);
      const int64_t chunks =
          checked_product({taps_of(axes.h, y).count, taps_of(axes.w, x).count, pixel_chunks});
      const int64_t taps =
          checked_multiply(taps_inside(axes.h, y, input.h()), taps_inside(axes.w, x, input.w()));
      const int64_t loaded = checked_product({out.n(), taps, column_tiles, pixel_chunks});
      moved = moved + Traffic{checked_multiply(loaded, 16), 0} +
              implicit_gemm::weight_traffic(config, row_blocks, columns, chunks);
      for (const Step& step : desc.prologue.steps) {
        moved = moved + Traffic{device::operand_bytes(step, loaded, element_bytes), 0};
      }
    }
  }
  if (desc.moments) {
    const int64_t records = checked_multiply(out.n(), moment_tiles(desc, config, input));
    moved = moved + Traffic{0, moment_bytes(records, round_up(out.c(), 16 / element_bytes))};
  }
  return moved;
}

}  // namespace kintsugi::conv_transpose2d
