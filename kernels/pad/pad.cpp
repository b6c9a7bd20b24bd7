// SPDX-License-Identifier: MIT
#include "kernels/pad/pad.h"

#include <algorithm>

namespace kintsugi::pad {
namespace {

void require(bool condition, const Desc& desc, const std::string& sentence) {
  if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
}

}  // namespace

Shape output_shape(const Desc& desc, const Shape& input) {
  require(input.rank() == 4, desc, "the input " + input.to_string() + " is not [N, C, H, W]");
  require(desc.top >= 0 && desc.bottom >= 0 && desc.left >= 0 && desc.right >= 0, desc,
          "a border must not be negative");
  require(input.elements() > 0, desc, "the input " + input.to_string() + " has no element");
  if (desc.mode == PaddingMode::reflect) {
    require(
        std::max(desc.top, desc.bottom) < input.h() && std::max(desc.left, desc.right) < input.w(),
        desc, "reflecting needs an image larger than the padding, not " + input.to_string());
  }
  return {input.n(), input.c(), checked_add(input.h(), checked_add(desc.top, desc.bottom)),
          checked_add(input.w(), checked_add(desc.left, desc.right))};
}

int64_t flops(const Desc&, const Shape&) { return 0; }

int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes) {
  return checked_multiply(element_bytes,
                          checked_add(input.elements(), output_shape(desc, input).elements()));
}

std::string to_string(const Desc& desc) {
  return std::string("pad ") + (desc.mode == PaddingMode::zero ? "zero" : "reflect") + ", top " +
         std::to_string(desc.top) + ", bottom " + std::to_string(desc.bottom) + ", left " +
         std::to_string(desc.left) + ", right " + std::to_string(desc.right);
}

}  // namespace kintsugi::pad
