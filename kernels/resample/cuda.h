// SPDX-License-Identifier: MIT
//
// resample on CUDA: what a caller needs to run it, without CUDA. Views are NHWC on the device; a pixel
// starts at a multiple of 16 bytes, and what lies between C and the next 16 bytes is zero. The caller
// owns all memory.
#pragma once

#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/resample/resample.h"

namespace kintsugi::resample {

/// T is float, f16 or bf16. Throws Error::unsupported beyond 2^31 groups of 16 bytes, and where twice
/// the product of an axis' two extents does not fit 32 bits; Error::internal where arguments do not
/// belong together.
template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream);

}  // namespace kintsugi::resample
