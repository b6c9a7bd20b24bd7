// SPDX-License-Identifier: MIT
#include "kernels/conv2d/conv2d.h"

namespace kintsugi::conv2d {
namespace {

int64_t padded_extent(int64_t input, int64_t padding) {
  return checked_add(input, checked_multiply(2, padding));
}

/// Input pixels from a filter's first tap to its last.
int64_t reach_of(int64_t kernel, int64_t dilation) {
  return checked_add(checked_multiply(dilation, kernel - 1), 1);
}

int64_t output_extent(int64_t input, int64_t kernel, int64_t stride, int64_t dilation,
                      int64_t padding) {
  return (padded_extent(input, padding) - reach_of(kernel, dilation)) / stride + 1;
}

void require(bool condition, const Desc& desc, const std::string& sentence) {
  if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
}

}  // namespace

Shape output_shape(const Desc& desc, const Shape& input) {
  const Pair kernel = desc.kernel, stride = desc.stride, dilation = desc.dilation;
  const Pair padding = desc.padding;
  require(input.rank() == 4, desc, "the input " + input.to_string() + " is not [N, C, H, W]");
  require(desc.in_channels > 0 && desc.out_channels > 0 && kernel.h > 0 && kernel.w > 0 &&
              stride.h > 0 && stride.w > 0 && dilation.h > 0 && dilation.w > 0 && padding.h >= 0 &&
              padding.w >= 0,
          desc, "channels, kernel, stride and dilation must be positive, padding not negative");
  const int64_t up = desc.prologue.upsample;
  require(up == 1 || up == 2, desc, "an input is taken as it is or enlarged twice");
  require(desc.out_channels % desc.epilogue.channels_per_result() == 0, desc,
          "a gate pairs an even number of filters");
  require(input.c() == desc.in_channels, desc,
          "the input " + input.to_string() + " has not " + std::to_string(desc.in_channels) +
              " channels");
  const int64_t height = checked_multiply(input.h(), up), width = checked_multiply(input.w(), up);
  if (desc.padding_mode == PaddingMode::reflect) {
    require(padding.h < height && padding.w < width, desc,
            "reflecting needs an image larger than the padding, not " + input.to_string());
  }
  require(input.n() > 0 && input.h() > 0 && input.w() > 0 &&
              padded_extent(height, padding.h) >= reach_of(kernel.h, dilation.h) &&
              padded_extent(width, padding.w) >= reach_of(kernel.w, dilation.w),
          desc, "the input " + input.to_string() + " leaves no output pixel");
  return {input.n(), desc.out_channels / desc.epilogue.channels_per_result(),
          output_extent(height, kernel.h, stride.h, dilation.h, padding.h),
          output_extent(width, kernel.w, stride.w, dilation.w, padding.w)};
}

int64_t flops(const Desc& desc, const Shape& input) {
  const Shape out = output_shape(desc, input);
  const int64_t sums = checked_product(
      {2, out.pixels(), desc.out_channels, desc.in_channels, desc.kernel.h, desc.kernel.w});
  return checked_add(sums, desc.moments ? checked_multiply(4, out.elements()) : 0);
}

int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes) {
  const int64_t read = checked_add(input.elements(), desc.weight_shape().elements());
  return checked_multiply(element_bytes, checked_add(read, output_shape(desc, input).elements()));
}

bool accepts_moments(const Desc& desc) { return desc.epilogue.gate() < 0; }

std::string to_string(const Desc& desc) {
  std::string text = "conv2d " + kintsugi::to_string(desc.kernel) + " " +
                     std::to_string(desc.in_channels) + "->" + std::to_string(desc.out_channels);
  if (!(desc.stride == Pair(1))) text += ", stride " + brief(desc.stride);
  if (!(desc.dilation == Pair(1))) text += ", dilation " + brief(desc.dilation);
  if (!(desc.padding == Pair(0))) {
    text += ", padding " + brief(desc.padding) +
            (desc.padding_mode == PaddingMode::zero ? " zero" : " reflect");
  }
  if (desc.moments) text += ", leaves moments";
  if (!desc.prologue.empty()) text += ", input: " + kintsugi::to_string(desc.prologue);
  return text;
}

}  // namespace kintsugi::conv2d
