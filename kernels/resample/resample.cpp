// SPDX-License-Identifier: MIT
#include "kernels/resample/resample.h"

#include <algorithm>

namespace kintsugi::resample {
namespace {

void require(bool condition, const Desc& desc, const std::string& sentence) {
  if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
}

}  // namespace

Shape output_shape(const Desc& desc, const Shape& input) {
  require(input.rank() == 4, desc, "the input " + input.to_string() + " is not [N, C, H, W]");
  require(input.elements() > 0, desc, "the input " + input.to_string() + " has no element");
  require(desc.size.h > 0 && desc.size.w > 0, desc, "the size must be positive");
  require(desc.mode == Mode::bilinear || !desc.align_corners, desc,
          "corners can be aligned in bilinear mode only");
  // What place() computes with.
  static_cast<void>(checked_product({2, desc.size.h, input.h()}));
  static_cast<void>(checked_product({2, desc.size.w, input.w()}));
  return {input.n(), input.c(), desc.size.h, desc.size.w};
}

int64_t flops(const Desc& desc, const Shape& input) {
  const int64_t elements = output_shape(desc, input).elements();
  return desc.mode == Mode::nearest ? 0 : checked_multiply(9, elements);
}

int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes) {
  return checked_multiply(element_bytes,
                          checked_add(input.elements(), output_shape(desc, input).elements()));
}

std::string to_string(const Desc& desc) {
  return std::string("resample ") + (desc.mode == Mode::nearest ? "nearest" : "bilinear") + " to " +
         kintsugi::to_string(desc.size) + (desc.align_corners ? ", corners aligned" : "");
}

Place place(const Desc& desc, int64_t i, int64_t in, int64_t out) {
  if (desc.mode == Mode::nearest) {
    const float scale = static_cast<float>(in) / static_cast<float>(out);
    const auto at = static_cast<int64_t>(static_cast<float>(i) * scale);
    return {std::min(at, in - 1), std::min(at, in - 1), 0.0};
  }
  int64_t part = std::max<int64_t>((2 * i + 1) * in - out, 0);
  int64_t whole = 2 * out;
  if (desc.align_corners) {
    part = i * (in - 1);
    whole = std::max<int64_t>(out - 1, 1);
  }
  const int64_t first = part / whole;
  return {first, std::min(first + 1, in - 1),
          static_cast<double>(part % whole) / static_cast<double>(whole)};
}

}  // namespace kintsugi::resample
