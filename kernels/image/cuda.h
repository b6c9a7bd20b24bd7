// SPDX-License-Identifier: MIT
//
// image on CUDA: what a caller needs to run it, without CUDA. Everything is on the device: samples and
// mask at any address, the tensor NHWC with pixels that start at multiples of 16 bytes, what lies
// between K and the next 16 bytes zero. The caller owns all memory.
#pragma once

#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/device/traffic.h"
#include "kernels/image/image.h"

namespace kintsugi::image {

using device::Traffic;

/// Every pixel of the tensor reads its samples and its byte of a mask anew; whole groups of 16 bytes are
/// stored.
[[nodiscard]] inline Traffic traffic(const ToTensor& desc, const Shape& picture,
                                     const Shape& tensor, int64_t sample_bytes,
                                     int64_t element_bytes, bool masked) {
  return {.read = tensor.pixels() * (samples_read(desc, picture) * sample_bytes + (masked ? 1 : 0)),
          .written = tensor.pixels() * round_up(tensor.c() * element_bytes, int64_t{16})};
}

/// Where `filled` pixels are selected, and all of finite numbers.
[[nodiscard]] inline Traffic traffic(const ToPicture&, const Shape& picture, int64_t sample_bytes,
                                     bool masked, int64_t filled) {
  return {.read = (masked ? picture.pixels() : 0) + 16 * filled,
          .written = filled * colours(picture.c()) * sample_bytes};
}

/// T is float, f16 or bf16; the bits are the definition's, rounded once. Throws Error::mismatch where
/// picture and tensor do not fit, Error::unsupported beyond 2^31 pixels of the tensor, Error::internal
/// where a pixel of it does not start at 16 bytes.
template <class S, class T>
void cuda(const ToTensor& desc, const ToTensorArgs<S, T>& args, device::Stream& stream);
/// `first_bad` is on the device too, of 8 bytes.
template <class S, class T>
void cuda(const ToPicture& desc, const ToPictureArgs<S, T>& args, device::Stream& stream);

}  // namespace kintsugi::image
