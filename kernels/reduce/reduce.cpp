// SPDX-License-Identifier: MIT
#include "kernels/reduce/reduce.h"

namespace kintsugi::reduce {
namespace {

void require(bool condition, const Desc& desc, const std::string& sentence) {
  if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
}

const char* name(Reduction reduction) {
  switch (reduction) {
    case Reduction::mean: return "mean";
    case Reduction::sum: return "sum";
    case Reduction::max: return "max";
  }
  return "?";
}

}  // namespace

Shape output_shape(const Desc& desc, const Shape& input) {
  require(input.rank() == 4, desc, "the input " + input.to_string() + " is not [N, C, H, W]");
  require(input.elements() > 0, desc, "the input " + input.to_string() + " has no element");
  if (desc.over == Over::pixels) return {input.n(), input.c(), 1, 1};
  return {input.n(), 1, input.h(), input.w()};
}

int64_t flops(const Desc& desc, const Shape& input) {
  static_cast<void>(output_shape(desc, input));
  return input.elements();
}

int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes) {
  return checked_multiply(element_bytes,
                          checked_add(input.elements(), output_shape(desc, input).elements()));
}

std::string to_string(const Desc& desc) {
  return std::string("reduce ") + name(desc.reduction) + " over " +
         (desc.over == Over::pixels ? "pixels" : "channels");
}

}  // namespace kintsugi::reduce
