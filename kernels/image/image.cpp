// SPDX-License-Identifier: MIT
#include "kernels/image/image.h"

#include <algorithm>
#include <span>

namespace kintsugi::image {
namespace {

template <class Desc>
void require(bool condition, const Desc& desc, const std::string& sentence) {
  if (!condition) throw Error(ErrorCode::mismatch, to_string(desc) + ": " + sentence);
}

template <class Desc>
void check_both(const Desc& desc, const Shape& picture, const Shape& tensor) {
  const std::string one = "the picture " + picture.to_string();
  const std::string other = "the tensor " + tensor.to_string();
  require(picture.rank() == 4 && picture.elements() > 0 && picture.c() <= 4, desc,
          one + " is not [N, C, H, W] of up to four channels");
  require(tensor.rank() == 4 && tensor.elements() > 0, desc, other + " is not [N, C, H, W]");
  require(tensor.n() == picture.n() && tensor.h() >= picture.h() && tensor.w() >= picture.w(), desc,
          other + " does not hold " + one);
}

int64_t of_colours(const ToTensor& desc) {
  const std::span used(desc.channels.data(), static_cast<size_t>(desc.count));
  return std::ranges::count_if(used, [](const Channel& c) { return c.from != From::constant; });
}

}  // namespace

ToTensor::ToTensor(std::initializer_list<Channel> list) : count(static_cast<int>(list.size())) {
  if (list.size() > kMaxChannels) {
    throw Error(ErrorCode::unsupported, "a picture to a tensor of " + std::to_string(list.size()) +
                                            " channels, more than eight");
  }
  std::ranges::copy(list, channels.begin());
}

void check(const ToTensor& desc, const Shape& picture, const Shape& tensor) {
  check_both(desc, picture, tensor);
  require(tensor.c() == desc.count, desc,
          "the tensor " + tensor.to_string() + " has another number");
}

void check(const ToPicture& desc, const Shape& tensor, const Shape& picture) {
  check_both(desc, picture, tensor);
  for (const Source& source : desc.rgb) {
    require(source.channel >= 0 && source.channel < std::min<int64_t>(kChannelGranule, tensor.c()),
            desc,
            "the tensor " + tensor.to_string() + " has no channel " +
                std::to_string(source.channel) + " among its first four");
  }
}

int64_t samples_read(const ToTensor& desc, const Shape& picture) {
  return of_colours(desc) > 0 ? colours(picture.c()) : 0;
}

int64_t flops(const ToTensor& desc, const Shape& picture, const Shape& tensor) {
  check(desc, picture, tensor);
  return checked_product({3, of_colours(desc), tensor.pixels()});
}

int64_t flops(const ToPicture& desc, const Shape& tensor, const Shape& picture) {
  check(desc, tensor, picture);
  const int64_t numbers = is_grey(picture.c()) ? 3 * 2 + 5 + 1 : 3 * (2 + 1);
  return checked_multiply(numbers + (desc.rounds ? 3 : 0), picture.pixels());
}

int64_t bytes(const ToTensor& desc, const Shape& picture, const Shape& tensor, int64_t sample_bytes,
              int64_t element_bytes) {
  check(desc, picture, tensor);
  return checked_add(
      checked_multiply(samples_read(desc, picture) * sample_bytes + 1, picture.pixels()),
      checked_multiply(element_bytes, tensor.elements()));
}

int64_t bytes(const ToPicture& desc, const Shape& tensor, const Shape& picture,
              int64_t sample_bytes, int64_t element_bytes) {
  check(desc, tensor, picture);
  return checked_multiply(3 * element_bytes + 1 + colours(picture.c()) * sample_bytes,
                          picture.pixels());
}

std::string to_string(const ToTensor& desc) {
  return "picture to tensor of " + std::to_string(desc.count) + " channels";
}

std::string to_string(const ToPicture& desc) {
  return std::string("tensor to picture, ") + (desc.rounds ? "rounded" : "truncated");
}

}  // namespace kintsugi::image
