// SPDX-License-Identifier: MIT
//
// copy on CUDA: what a caller needs to run it, without CUDA. Views are NHWC on the device; a pixel starts
// at a multiple of 16 bytes, and what lies between C and the next 16 bytes is zero. The caller owns all
// memory.
#pragma once

#include "kernels/copy/copy.h"
#include "kernels/core/half.h"
#include "kernels/device/api.h"

namespace kintsugi::copy {

/// From and To are float, f16 or bf16: one type, or f32 and one of the others; values are rounded to
/// nearest. Throws Error::unsupported beyond 2^31 groups of 16 bytes, Error::internal where arguments
/// do not belong together.
template <class From, class To>
void cuda(const Desc& desc, const Args<From, To>& args, device::Stream& stream);

}  // namespace kintsugi::copy
