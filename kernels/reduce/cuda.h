// SPDX-License-Identifier: MIT
//
// reduce on CUDA: what a caller needs to run it, without CUDA. Views are NHWC on the device; a pixel
// starts at a multiple of 16 bytes, and what lies between C and the next 16 bytes is zero. The caller
// owns all memory, and gives a workspace to one launch at a time.
#pragma once

#include <cstdint>

#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/device/traffic.h"
#include "kernels/reduce/reduce.h"

namespace kintsugi::reduce {

/// Bytes of workspace: each tile's results, nothing in them before or after. None over channels, and
/// where a picture is one tile.
[[nodiscard]] int64_t scratch(const Desc& desc, const Shape& input, int64_t element_bytes);

using device::Traffic;
/// Of all launches together.
[[nodiscard]] Traffic traffic(const Desc& desc, const Shape& input, int64_t element_bytes);

/// T is float, f16 or bf16; sums are f32, and rounded to T once. One launch, or two over the pixels of a
/// picture of several tiles. Throws Error::unsupported where a picture's pixels, channels or all blocks
/// do not fit 31 bits, Error::internal where arguments do not belong together.
template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream);

}  // namespace kintsugi::reduce
