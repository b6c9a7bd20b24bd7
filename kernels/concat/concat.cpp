// SPDX-License-Identifier: MIT
#include "kernels/concat/concat.h"

namespace kintsugi::concat {

Shape output_shape(const Desc&, std::span<const Shape> inputs) {
  const auto require = [&](bool condition, const std::string& sentence) {
    if (!condition) throw Error(ErrorCode::mismatch, "concat: " + sentence);
  };
  require(!inputs.empty(), "it has no input");
  const Shape& first = inputs[0];
  int64_t channels = 0;
  for (const Shape& input : inputs) {
    require(input.rank() == 4 && input.elements() > 0,
            "the input " + input.to_string() + " is not [N, C, H, W] with an element");
    require(input.n() == first.n() && input.h() == first.h() && input.w() == first.w(),
            "the inputs " + first.to_string() + " and " + input.to_string() + " differ in size");
    channels = checked_add(channels, input.c());
  }
  return {first.n(), channels, first.h(), first.w()};
}

int64_t bytes(const Desc& desc, std::span<const Shape> inputs, int64_t element_bytes) {
  return checked_product({2, output_shape(desc, inputs).elements(), element_bytes});
}

}  // namespace kintsugi::concat
