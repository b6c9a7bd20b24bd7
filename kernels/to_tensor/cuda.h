// SPDX-License-Identifier: MIT
//
// to_tensor on CUDA: what a caller needs to run it, without CUDA. Everything is on the device: samples
// and mask aligned to their size alone, the tensor NHWC with pixels that start at multiples of 16 bytes; what lies
// between K and the next 16 bytes is made zero. The caller owns all memory.
#pragma once

#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/to_tensor/to_tensor.h"

namespace kintsugi::to_tensor {

/// T is float, f16 or bf16; the bits are the reference's, rounded once. Throws Error::unsupported beyond
/// 2^31 pixels, Error::internal where a pixel of the tensor does not start at 16 bytes.
template <class S, class T>
void cuda(const Desc& desc, const Args<S, T>& args, device::Stream& stream);

}  // namespace kintsugi::to_tensor
