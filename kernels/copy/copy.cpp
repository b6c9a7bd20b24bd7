// SPDX-License-Identifier: MIT
#include "kernels/copy/copy.h"

namespace kintsugi::copy {

Shape output_shape(const Desc& desc, const Shape& input) {
  const auto require = [&](bool condition, const std::string& sentence) {
    if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
  };
  require(input.rank() == 4, "the input " + input.to_string() + " is not [N, C, H, W]");
  require(input.elements() > 0, "the input " + input.to_string() + " has no element");
  require(desc.first >= 0 && desc.channels >= 0, "channels are counted from zero on");
  const int64_t channels = desc.channels > 0 ? desc.channels : input.c() - desc.first;
  require(channels > 0 && checked_add(desc.first, channels) <= input.c(),
          "the input " + input.to_string() + " has too few channels");
  return {input.n(), channels, input.h(), input.w()};
}

int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes) {
  return checked_product({2, output_shape(desc, input).elements(), element_bytes});
}

std::string to_string(const Desc& desc) {
  std::string text = desc.type == Type::same    ? "copy"
                     : desc.type == Type::exact ? "convert to exact"
                                                : "convert to storage";
  if (desc.channels > 0) {
    text += " channels " + std::to_string(desc.first) + " to " +
            std::to_string(desc.first + desc.channels - 1);
  } else if (desc.first > 0) {
    text += " channels from " + std::to_string(desc.first);
  }
  return text;
}

}  // namespace kintsugi::copy
