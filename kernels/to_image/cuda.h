// SPDX-License-Identifier: MIT
//
// to_image on CUDA: what a caller needs to run it, without CUDA. Everything is on the device: the tensor
// and first_bad NHWC with pixels that start at multiples of 16 bytes, samples aligned to their size alone. The caller
// owns all memory.
#pragma once

#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/to_image/to_image.h"

namespace kintsugi::to_image {

/// T is float, f16 or bf16; the bits are the reference's. Throws Error::unsupported beyond 2^31 pixels,
/// Error::internal where a pixel of the tensor does not start at 16 bytes.
template <class S, class T>
void cuda(const Desc& desc, const Args<S, T>& args, device::Stream& stream);

}  // namespace kintsugi::to_image
