// SPDX-License-Identifier: MIT
#include "kernels/norm/norm.h"

#include <cstdio>

namespace kintsugi::norm {
namespace {

void require(bool condition, const Desc& desc, const std::string& sentence) {
  if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
}

}  // namespace

Shape output_shape(const Desc& desc, const Shape& input) {
  require(input.rank() == 4, desc, "the input " + input.to_string() + " is not [N, C, H, W]");
  require(input.elements() > 0, desc, "the input " + input.to_string() + " has no element");
  require(desc.groups > 0 && desc.eps >= 0, desc,
          "groups must be positive, eps a number that is not negative");
  require(input.c() % desc.groups == 0, desc,
          "the channels of " + input.to_string() + " are no whole groups");
  return {input.n(), input.c(), 1, 1};
}

int64_t flops(const Desc& desc, const Shape& input) {
  static_cast<void>(output_shape(desc, input));
  return desc.moments_of > 0 ? 0 : checked_multiply(4, input.elements());
}

int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes) {
  const int64_t vectors = checked_add(checked_multiply(2, output_shape(desc, input).elements()),
                                      desc.affine ? 2 * input.c() : 0);
  const int64_t read = desc.moments_of > 0 ? 0 : input.elements();
  return checked_add(checked_multiply(element_bytes, read), checked_multiply(4, vectors));
}

std::string to_string(const Desc& desc) {
  char eps[32];
  std::snprintf(eps, sizeof eps, "%g", desc.eps);
  return "norm_stats, groups " + std::to_string(desc.groups) + ", eps " + eps +
         (desc.affine ? ", affine" : "") + (desc.moments_of > 0 ? ", from moments" : "");
}

}  // namespace kintsugi::norm
