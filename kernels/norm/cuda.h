// SPDX-License-Identifier: MIT
//
// norm on CUDA: what a caller needs to run it, without CUDA. Views are NHWC on the device; a pixel
// starts at a multiple of 16 bytes, and what lies between C and the next 16 bytes is zero. Whatever
// the input is stored as, the result is f32: what the step `affine sample_channel` reads. The caller
// owns all memory, and gives a workspace to one launch at a time.
#pragma once

#include <cstdint>

#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/device/traffic.h"
#include "kernels/norm/norm.h"

namespace kintsugi::norm {

/// Bytes of workspace: each tile's moments, nothing in them before or after; none where moments are given.
/// The first call of a workspace needs no zeros.
[[nodiscard]] int64_t scratch(const Desc& desc, const Shape& input, int64_t element_bytes);

using device::Traffic;
/// Of both launches together; of one where moments are given, of so many tiles a picture.
[[nodiscard]] Traffic traffic(const Desc& desc, const Shape& input, int64_t element_bytes,
                              int64_t moment_tiles = 0);

/// T is float, f16 or bf16. Two launches, one from given moments. Throws Error::unsupported where a
/// picture's pixels, channels or all its blocks do not fit 31 bits, Error::internal where arguments do not belong together.
template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream);

}  // namespace kintsugi::norm
