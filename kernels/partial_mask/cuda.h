// SPDX-License-Identifier: MIT
//
// partial_mask on CUDA: what a caller needs to run it, without CUDA. Views are NHWC on the device and
// f32, whatever the network's storage: its masks are exact, and a step with the extent pixel reads f32.
// The result's pixels start at multiples of 16 bytes, and what lies behind its two channels to the next
// 16 bytes is zero; of a mask nothing but its channel is read, so it may be a channel of something
// wider (mask_of). The caller owns all memory.
#pragma once

#include "kernels/device/api.h"
#include "kernels/partial_mask/partial_mask.h"

namespace kintsugi::partial_mask {

/// As on the CPU. Bits are the reference's for binary masks. Throws Error::unsupported where pixels or
/// what a stride or a dilation reaches do not fit 31 bits; Error::internal where arguments do not
/// belong together.
void cuda(const Desc& desc, const Args<float>& args, device::Stream& stream);

}  // namespace kintsugi::partial_mask
