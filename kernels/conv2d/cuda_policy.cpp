// SPDX-License-Identifier: MIT
#include "kernels/conv2d/cuda.h"

namespace kintsugi::conv2d {
namespace {

/// `element_bytes` matters to the depth, and to gated columns below a multiple of 16.
implicit_gemm::Product product_of(const Desc& desc, const Shape& output, int64_t element_bytes) {
  const int64_t pixels = checked_multiply(output.h(), output.w());
  return {.row_blocks = implicit_gemm::row_blocks(output.n(), pixels, desc.moments),
          .columns = implicit_gemm::columns_of(desc.out_channels, desc.epilogue.gate() >= 0,
                                               element_bytes),
          .chunks = checked_product({desc.kernel.h, desc.kernel.w,
                                     implicit_gemm::pixel_chunks(desc.in_channels, element_bytes)}),
          .gated = desc.epilogue.gate() >= 0,
          .changes = !desc.prologue.steps.empty()};
}

implicit_gemm::Filters filters_of(const Desc& desc) {
  const int64_t taps = checked_multiply(desc.kernel.h, desc.kernel.w);
  return {.out_channels = desc.out_channels,
          .in_channels = desc.in_channels,
          .taps = taps,
          .rows_are_filters = true};
}

/// How many taps of one axis lie inside the image, over all output coordinates.
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
  return divide_up(checked_multiply(out.h(), out.w()), implicit_gemm::kTileM);
}

Scratch scratch(const Desc& desc, const CudaConfig& config, const Shape& input) {
  // Where there are gates, tiles are so wide that they are as many for every size of an element.
  return implicit_gemm::scratch(config, product_of(desc, output_shape(desc, input), 4));
}

Traffic traffic(const Desc& desc, const CudaConfig& config, const Shape& input,
                int64_t element_bytes) {
  const Shape out = output_shape(desc, input);
  const implicit_gemm::Product product = product_of(desc, out, element_bytes);
  const int64_t height = checked_multiply(input.h(), desc.prologue.upsample);
  const int64_t width = checked_multiply(input.w(), desc.prologue.upsample);
  const int64_t taps =
      checked_multiply(taps_inside(out.h(), height, desc.kernel.h, desc.stride.h, desc.dilation.h,
                                   desc.padding.h, desc.padding_mode),
                       taps_inside(out.w(), width, desc.kernel.w, desc.stride.w, desc.dilation.w,
                                   desc.padding.w, desc.padding_mode));
  Traffic moved =
      implicit_gemm::weight_traffic(config, product.row_blocks, product.columns, product.chunks);
  const int64_t columns = divide_up(product.columns, config.tile_n);
  const int64_t chunks = checked_product(
      {input.n(), taps, columns, implicit_gemm::pixel_chunks(desc.in_channels, element_bytes)});
  moved.read = checked_add(moved.read, checked_multiply(chunks, 16));
  for (const Step& step : desc.prologue.steps) {
    moved.read = checked_add(moved.read, device::operand_bytes(step, chunks, element_bytes));
  }
  moved.read = checked_add(moved.read, device::operand_bytes(desc.epilogue, out, element_bytes));
  moved.written = checked_add(moved.written, device::group_bytes(out, element_bytes));
  if (desc.moments) {
    moved.written = checked_add(
        moved.written, moment_bytes(product.row_blocks, round_up(out.c(), 16 / element_bytes)));
  }
  return moved;
}

}  // namespace kintsugi::conv2d
