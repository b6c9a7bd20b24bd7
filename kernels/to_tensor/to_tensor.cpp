// SPDX-License-Identifier: MIT
#include "kernels/to_tensor/to_tensor.h"

#include <algorithm>
#include <span>

namespace kintsugi::to_tensor {
namespace {

int64_t colours_of(const Desc& desc) {
  const std::span used(desc.channels.data(), static_cast<size_t>(desc.count));
  return std::ranges::count_if(used, [](const Channel& c) { return c.from != From::constant; });
}

}  // namespace

Desc::Desc(std::initializer_list<Channel> list) : count(static_cast<int>(list.size())) {
  if (list.size() > kMaxChannels) {
    throw Error(ErrorCode::unsupported, "an image to a tensor of " + std::to_string(list.size()) +
                                            " channels, more than eight");
  }
  std::ranges::copy(list, channels.begin());
}

Shape output_shape(const Desc& desc, const Shape& image) {
  if (image.rank() != 4 || image.elements() == 0 || (image.c() != 1 && image.c() != 3)) {
    throw Error(ErrorCode::mismatch, to_string(desc) + ": " + image.to_string() +
                                         " is not [N, C, H, W] of one channel or three");
  }
  return {image.n(), desc.count, image.h(), image.w()};
}

int64_t samples_read(const Desc& desc, const Shape& image) {
  return colours_of(desc) > 0 ? image.c() : 0;
}

int64_t flops(const Desc& desc, const Shape& image) {
  return checked_product({3, colours_of(desc), image.pixels()});
}

int64_t bytes(const Desc& desc, const Shape& image, int64_t element_bytes) {
  const int64_t read = samples_read(desc, image) * (desc.bits / 8) + (desc.masked ? 1 : 0);
  return checked_add(checked_multiply(read, image.pixels()),
                     checked_multiply(element_bytes, output_shape(desc, image).elements()));
}

std::string to_string(const Desc& desc) {
  return "image of " + std::to_string(desc.bits) + " bits" + (desc.masked ? " with a mask" : "") +
         " to " + std::to_string(desc.count) + (desc.count == 1 ? " channel" : " channels");
}

}  // namespace kintsugi::to_tensor
