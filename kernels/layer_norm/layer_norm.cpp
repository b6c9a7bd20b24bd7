// SPDX-License-Identifier: MIT
#include "kernels/layer_norm/layer_norm.h"

#include <cstdio>

namespace kintsugi::layer_norm {
namespace {

void require(bool condition, const Desc& desc, const std::string& sentence) {
  if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
}

}  // namespace

Shape output_shape(const Desc& desc, const Shape& input) {
  require(input.rank() == 4, desc, "the input " + input.to_string() + " is not [N, C, H, W]");
  require(input.elements() > 0, desc, "the input " + input.to_string() + " has no element");
  require(desc.eps >= 0, desc, "eps must be a number that is not negative");
  return input;
}

int64_t flops(const Desc& desc, const Shape& input) {
  return checked_multiply(desc.affine ? 8 : 6, output_shape(desc, input).elements());
}

int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes) {
  const int64_t pictures =
      checked_product({2, element_bytes, output_shape(desc, input).elements()});
  return checked_add(pictures, desc.affine ? checked_multiply(8, input.c()) : 0);
}

std::string to_string(const Desc& desc) {
  char eps[32];
  std::snprintf(eps, sizeof eps, "%g", desc.eps);
  return std::string("layer_norm, eps ") + eps + (desc.affine ? ", affine" : "");
}

}  // namespace kintsugi::layer_norm
