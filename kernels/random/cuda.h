// SPDX-License-Identifier: MIT
//
// random on CUDA: what a caller needs to run it, without CUDA. Everything is on the device: the state at
// any address, the tensor NHWC with pixels that start at multiples of 16 bytes; what lies between C and
// the next 16 bytes is made zero. The caller owns all memory.
#pragma once

#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/random/random.h"

namespace kintsugi::random {

/// T is float, f16 or bf16. Uniform numbers are the reference's, rounded once: in 16 bits the largest
/// become one. A normal number is within 1e-6 of the reference before it is rounded. Throws
/// Error::unsupported beyond 2^31 groups of 16 bytes, Error::internal where a pixel does not start at 16
/// bytes.
template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream);

}  // namespace kintsugi::random
