// SPDX-License-Identifier: MIT
#include "kernels/pool/pool.h"

#include <algorithm>

namespace kintsugi::pool {
namespace {

void require(bool condition, const Desc& desc, const std::string& sentence) {
  if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
}

/// Output pixels of an axis; none where the kernel does not fit.
int64_t output_extent(int64_t in, int64_t kernel, int64_t stride, int64_t padding) {
  const int64_t padded = checked_add(in, checked_multiply(2, padding));
  return padded < kernel ? 0 : (padded - kernel) / stride + 1;
}

}  // namespace

Shape output_shape(const Desc& desc, const Shape& input) {
  const Pair kernel = desc.kernel, stride = desc.stride, padding = desc.padding;
  require(input.rank() == 4, desc, "the input " + input.to_string() + " is not [N, C, H, W]");
  require(input.elements() > 0, desc, "the input " + input.to_string() + " has no element");
  require(kernel.h > 0 && kernel.w > 0 && stride.h > 0 && stride.w > 0 && padding.h >= 0 &&
              padding.w >= 0,
          desc, "kernel and stride must be positive, padding not negative");
  require(padding.h <= kernel.h / 2 && padding.w <= kernel.w / 2, desc,
          "padding can be half of the kernel at most");
  const Shape out{input.n(), input.c(), output_extent(input.h(), kernel.h, stride.h, padding.h),
                  output_extent(input.w(), kernel.w, stride.w, padding.w)};
  require(out.h() > 0 && out.w() > 0, desc,
          "the input " + input.to_string() + " leaves no output pixel");
  return out;
}

int64_t flops(const Desc& desc, const Shape& input) {
  return checked_product({output_shape(desc, input).elements(), desc.kernel.h, desc.kernel.w});
}

int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes) {
  return checked_multiply(element_bytes,
                          checked_add(input.elements(), output_shape(desc, input).elements()));
}

std::string to_string(const Desc& desc) {
  std::string text = std::string("pool ") + (desc.mode == Mode::max ? "max " : "average ") +
                     kintsugi::to_string(desc.kernel);
  if (!(desc.stride == Pair(1))) text += ", stride " + brief(desc.stride);
  if (!(desc.padding == Pair(0))) {
    text += ", padding " + brief(desc.padding);
    if (desc.mode == Mode::average && !desc.count_include_pad) text += " not counted";
  }
  return text;
}

Span span(int64_t i, int64_t kernel, int64_t stride, int64_t padding, int64_t in) {
  const int64_t begin = i * stride - padding;
  return {std::max<int64_t>(begin, 0), std::min(begin + kernel, in)};
}

}  // namespace kintsugi::pool
