// SPDX-License-Identifier: MIT
//
// layer_norm on CUDA: what a caller needs to run it, without CUDA. Views are NHWC on the device; a pixel
// starts at a multiple of 16 bytes, and what lies between C and the next 16 bytes is zero. The caller
// owns all memory.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/device/traffic.h"
#include "kernels/layer_norm/layer_norm.h"

namespace kintsugi::layer_norm {

/// How a CUDA kernel is to run a shape; from choose_cuda(), pure and printable.
struct CudaConfig {
  int lanes = 1;  // threads of a pixel: a power of two up to 32
  int held =
      0;  // groups of 16 bytes that a thread keeps in registers: 2 or 8; 0: it reads them thrice
  friend bool operator==(const CudaConfig&, const CudaConfig&) = default;
};

/// The configuration for pixels of `input`'s channels, never looking at how many there are.
[[nodiscard]] CudaConfig choose_cuda(const Shape& input, int64_t element_bytes);
/// "4 lanes a pixel, 2 groups held"
[[nodiscard]] std::string to_string(const CudaConfig& config);

using device::Traffic;
[[nodiscard]] Traffic traffic(const Desc& desc, const CudaConfig& config, const Shape& input,
                              int64_t element_bytes);

/// T is float, f16 or bf16. Throws Error::unsupported where pixels or channels do not fit 31 bits,
/// Error::internal where arguments do not belong together.
template <class T>
void cuda(const Desc& desc, const CudaConfig& config, const Args<T>& args, device::Stream& stream);

}  // namespace kintsugi::layer_norm
