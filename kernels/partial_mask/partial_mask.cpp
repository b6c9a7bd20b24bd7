// SPDX-License-Identifier: MIT
#include "kernels/partial_mask/partial_mask.h"

#include <cmath>
#include <cstdio>

namespace kintsugi::partial_mask {
namespace {

constexpr int64_t kMostEntries = 1 << 24;  // up to here every integer is a float

void require(bool condition, const Desc& desc, const std::string& sentence) {
  if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
}

/// Output pixels of an axis; none where the window does not fit.
int64_t output_extent(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
                      int64_t padding) {
  const int64_t padded = checked_add(in, checked_multiply(2, padding));
  const int64_t reach = checked_add(checked_multiply(dilation, kernel - 1), 1);
  return padded < reach ? 0 : (padded - reach) / stride + 1;
}

}  // namespace

int64_t window_entries(const Desc& desc) {
  return checked_product(
      {desc.kernel.h, desc.kernel.w, checked_add(desc.channels[0], desc.channels[1])});
}

Shape output_shape(const Desc& desc, const Shape& mask) {
  const Pair kernel = desc.kernel, stride = desc.stride, dilation = desc.dilation;
  const Pair padding = desc.padding;
  require(mask.rank() == 4 && mask.c() == 1, desc,
          "the mask " + mask.to_string() + " is not [N, 1, H, W]");
  require(mask.elements() > 0, desc, "the mask " + mask.to_string() + " has no element");
  require(kernel.h > 0 && kernel.w > 0 && stride.h > 0 && stride.w > 0 && dilation.h > 0 &&
              dilation.w > 0 && padding.h >= 0 && padding.w >= 0,
          desc, "kernel, stride and dilation must be positive, padding not negative");
  require(desc.channels[0] > 0 && desc.channels[1] >= 0, desc,
          "a mask stands for one channel at least");
  require(std::isfinite(desc.eps) && desc.eps >= 0, desc, "eps must be a number, not negative");
  const Shape out{mask.n(), 1, output_extent(mask.h(), kernel.h, stride.h, dilation.h, padding.h),
                  output_extent(mask.w(), kernel.w, stride.w, dilation.w, padding.w)};
  require(out.h() > 0 && out.w() > 0, desc,
          "the mask " + mask.to_string() + " leaves no output pixel");
  if (const int64_t entries = window_entries(desc); entries > kMostEntries) {
    throw Error(ErrorCode::unsupported, to_string(desc) + ": sums over a window of " +
                                            std::to_string(entries) +
                                            " entries are not exact in f32, of " +
                                            std::to_string(kMostEntries) + " they are");
  }
  return out;
}

int64_t flops(const Desc& desc, const Shape& mask) {
  return checked_product(
      {output_shape(desc, mask).pixels(), desc.kernel.h, desc.kernel.w, desc.planes()});
}

int64_t bytes(const Desc& desc, const Shape& mask, int64_t) {
  const int64_t written = checked_multiply(2, output_shape(desc, mask).elements());
  return checked_multiply(4,
                          checked_add(checked_multiply(mask.elements(), desc.planes()), written));
}

std::string to_string(const Desc& desc) {
  std::string text = std::string("partial_mask ") +
                     (desc.form == Form::paper ? "paper " : "naoto ") +
                     kintsugi::to_string(desc.kernel) + " " + std::to_string(desc.channels[0]);
  if (desc.planes() > 1) text += "+" + std::to_string(desc.channels[1]);
  if (!(desc.stride == Pair(1))) text += ", stride " + brief(desc.stride);
  if (!(desc.dilation == Pair(1))) text += ", dilation " + brief(desc.dilation);
  if (!(desc.padding == Pair(0))) text += ", padding " + brief(desc.padding);
  if (desc.form == Form::paper && desc.eps != Desc{}.eps) {
    char eps[32];
    std::snprintf(eps, sizeof eps, ", eps %g", desc.eps);
    text += eps;
  }
  return text;
}

}  // namespace kintsugi::partial_mask
