// SPDX-License-Identifier: MIT
//
// The launch of any op's CUDA kernel, on a GPU or emulated. Linked where a backend for it is.
#pragma once

#include "kernels/contract/any_op.h"
#include "kernels/device/api.h"

namespace kintsugi {

/// Throws Error::unsupported for an op without a CUDA kernel.
void launch(const Work& work, const Call& call, device::Stream& stream);

}  // namespace kintsugi
