// SPDX-License-Identifier: MIT
//
// Samples: a picture and its mask as the kernels take them, on the way into a network and out of it.
// It is no copy: picture and mask must stay until the run is over.
// It owns nothing.
// Called by the tasks of networks.
#pragma once

#include "kernels/image/image.h"
#include "kintsugi/image.hpp"
#include "runtime/image/mask.h"

namespace kintsugi::image {

/// An Image, not a view: only its samples of 16 bits are sure to be aligned.
template <class S>
[[nodiscard]] PictureView<S> samples_as(Image& picture) {
  return {reinterpret_cast<S*>(picture.pixels.data()),
          {1, picture.channels, picture.height, picture.width},
          picture.width * picture.channels};
}

[[nodiscard]] inline MaskView view_of(const Mask& mask) { return {mask.holes.data(), mask.width}; }

/// A tensor of `picture`, holes where `mask` has some. The picture is only read.
[[nodiscard]] inline PictureIn picture_in(const ToTensor& desc, Image& picture,
                                          const MaskView& mask = {}) {
  PictureIn in{desc, {}, mask};
  if (picture.bits == 8) {
    in.picture = PictureView<const uint8_t>(samples_as<uint8_t>(picture));
  } else {
    in.picture = PictureView<const uint16_t>(samples_as<uint16_t>(picture));
  }
  return in;
}

/// A tensor's numbers in the pixels of `picture` that `mask` selects; in all without one.
[[nodiscard]] inline PictureOut picture_out(const ToPicture& desc, Image& picture,
                                            const MaskView& mask = {}) {
  PictureOut out{desc, {}, mask};
  if (picture.bits == 8) {
    out.picture = samples_as<uint8_t>(picture);
  } else {
    out.picture = samples_as<uint16_t>(picture);
  }
  return out;
}

}  // namespace kintsugi::image
