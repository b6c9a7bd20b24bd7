// SPDX-License-Identifier: MIT
#include "kernels/to_image/to_image.h"

#include <algorithm>

namespace kintsugi::to_image {

Shape output_shape(const Desc& desc, const Shape& tensor) {
  const auto require = [&](bool condition, const std::string& sentence) {
    if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
  };
  require(tensor.rank() == 4 && tensor.elements() > 0,
          "the tensor " + tensor.to_string() + " is not [N, C, H, W]");
  for (const Source& source : desc.rgb) {
    require(source.channel >= 0 && source.channel < std::min(kChannelGranule, tensor.c()),
            "the tensor " + tensor.to_string() + " has no channel " +
                std::to_string(source.channel) + " among its first four");
  }
  return {tensor.n(), desc.grey ? 1 : 3, tensor.h(), tensor.w()};
}

Shape first_bad_shape(const Shape& tensor) { return {tensor.n(), 1, tensor.h(), 1}; }

int64_t flops(const Desc& desc, const Shape& tensor) {
  const int64_t numbers = desc.grey ? 3 * 2 + 5 + 1 : 3 * (2 + 1);
  return checked_multiply(numbers + (desc.rounds ? 3 : 0), tensor.pixels());
}

int64_t bytes(const Desc& desc, const Shape& tensor, int64_t element_bytes) {
  const int64_t samples = (desc.grey ? 1 : 3) * (desc.bits / 8);
  return checked_multiply(3 * element_bytes + samples, tensor.pixels());
}

std::string to_string(const Desc& desc) {
  return std::string("to ") + (desc.grey ? "grey image" : "image") + " of " +
         std::to_string(desc.bits) + " bits, " + (desc.rounds ? "rounded" : "truncated");
}

}  // namespace kintsugi::to_image
