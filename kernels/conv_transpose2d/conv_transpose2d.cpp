// SPDX-License-Identifier: MIT
#include "kernels/conv_transpose2d/conv_transpose2d.h"

#include <algorithm>

namespace kintsugi::conv_transpose2d {
namespace {

int64_t output_extent(int64_t input, int64_t kernel, int64_t stride, int64_t dilation,
                      int64_t padding, int64_t output_padding) {
  const int64_t first_taps = checked_multiply(input - 1, stride);
  const int64_t reach = checked_add(checked_multiply(dilation, kernel - 1), 1);
  const int64_t cut = checked_multiply(-2, padding);
  return checked_add(checked_add(checked_add(first_taps, cut), reach), output_padding);
}

void require(bool condition, const Desc& desc, const std::string& sentence) {
  if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
}

}  // namespace

Shape output_shape(const Desc& desc, const Shape& input) {
  const Pair kernel = desc.kernel, stride = desc.stride, dilation = desc.dilation;
  const Pair padding = desc.padding, more = desc.output_padding;
  require(input.rank() == 4, desc, "the input " + input.to_string() + " is not [N, C, H, W]");
  require(desc.in_channels > 0 && desc.out_channels > 0 && kernel.h > 0 && kernel.w > 0 &&
              stride.h > 0 && stride.w > 0 && dilation.h > 0 && dilation.w > 0 && padding.h >= 0 &&
              padding.w >= 0,
          desc, "channels, kernel, stride and dilation must be positive, padding not negative");
  require(more.h < std::max(stride.h, dilation.h) && more.w < std::max(stride.w, dilation.w), desc,
          "the output padding must be below the stride or the dilation");
  require(desc.prologue.upsample == 1, desc, "an input is taken as it is");
  require(desc.out_channels % desc.epilogue.channels_per_result() == 0, desc,
          "a gate pairs an even number of filters");
  require(input.c() == desc.in_channels, desc,
          "the input " + input.to_string() + " has not " + std::to_string(desc.in_channels) +
              " channels");
  const int64_t h = output_extent(input.h(), kernel.h, stride.h, dilation.h, padding.h, more.h);
  const int64_t w = output_extent(input.w(), kernel.w, stride.w, dilation.w, padding.w, more.w);
  require(input.n() > 0 && input.h() > 0 && input.w() > 0 && h > 0 && w > 0, desc,
          "the input " + input.to_string() + " leaves no output pixel");
  return {input.n(), desc.out_channels / desc.epilogue.channels_per_result(), h, w};
}

int64_t flops(const Desc& desc, const Shape& input) {
  const int64_t sums =
      checked_product({2, input.elements(), desc.out_channels, desc.kernel.h, desc.kernel.w});
  if (!desc.moments) return sums;
  return checked_add(sums, checked_multiply(4, output_shape(desc, input).elements()));
}

int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes) {
  const int64_t read = checked_add(input.elements(), desc.weight_shape().elements());
  return checked_multiply(element_bytes, checked_add(read, output_shape(desc, input).elements()));
}

bool accepts_moments(const Desc& desc) { return desc.epilogue.gate() < 0; }

std::string to_string(const Desc& desc) {
  std::string text = "conv_transpose2d " + kintsugi::to_string(desc.kernel) + " " +
                     std::to_string(desc.in_channels) + "->" + std::to_string(desc.out_channels);
  if (!(desc.stride == Pair(1))) text += ", stride " + brief(desc.stride);
  if (!(desc.dilation == Pair(1))) text += ", dilation " + brief(desc.dilation);
  if (!(desc.padding == Pair(0))) text += ", padding " + brief(desc.padding);
  if (!(desc.output_padding == Pair(0))) {
    text += ", output padding " + brief(desc.output_padding);
  }
  if (desc.moments) text += ", leaves moments";
  if (!desc.prologue.empty()) text += ", input: " + kintsugi::to_string(desc.prologue);
  return text;
}

}  // namespace kintsugi::conv_transpose2d
