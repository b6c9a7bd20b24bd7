// SPDX-License-Identifier: MIT
//
// conv_transpose2d on CUDA: what a caller needs to run it, without CUDA. One launch computes all phases
// (phases.h), each a small convolution of stride 1 and as such a matrix product whose left side is never
// stored (kernels/implicit_gemm): no zero is inserted or multiplied. Views are NHWC on the device; a
// pixel starts at a multiple of 16 bytes, and what lies between C and the next 16 bytes is zero. The
// caller owns all memory, and gives tickets and partial sums to one launch at a time; a launch that
// failed leaves its tickets as they are.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/implicit_gemm/config.h"

namespace kintsugi::conv_transpose2d {

using implicit_gemm::CudaConfig;
using implicit_gemm::CudaMethod;
using implicit_gemm::FloatMath;
using implicit_gemm::packing;
using implicit_gemm::Scratch;
using implicit_gemm::to_string;
using implicit_gemm::Traffic;

/// The configuration for one image of `input`'s height and width, never looking at the batch.
/// `element_bytes` is that of the storage type. Throws Error::unsupported where a stride or an extent
/// is beyond the kernel's 31 bits.
[[nodiscard]] CudaConfig choose_cuda(const Desc& desc, const Shape& input, int64_t element_bytes,
                                     FloatMath math, const device::DeviceInfo& device);

/// Elements of the packed weight, pads zero: [columns up to tile_n][R][S][C up to 16 bytes], of all
/// phases.
[[nodiscard]] int64_t packed_elements(const Desc& desc, const CudaConfig& config,
                                      int64_t element_bytes);
/// From [C, K, R, S], some rows of it, into zeros. T is float, f16 or bf16; for tf32 the values are rounded
/// here.
template <class T>
void pack(const Desc& desc, const CudaConfig& config, const Rows& rows,
          std::span<const float> weight, std::span<T> packed);

/// Tiles whose moments are left of an image.
[[nodiscard]] int64_t moment_tiles(const Desc& desc, const CudaConfig& config, const Shape& input);

[[nodiscard]] Scratch scratch(const Desc& desc, const CudaConfig& config, const Shape& input);

[[nodiscard]] Traffic traffic(const Desc& desc, const CudaConfig& config, const Shape& input,
                              int64_t element_bytes);

/// T is float, f16 or bf16. Throws Error::unsupported where pixels, taps or channels do not fit 31 bits,
/// Error::internal where arguments do not belong together.
template <class T>
void cuda(const Desc& desc, const CudaConfig& config, const Args<T>& args, device::Stream& stream);

}  // namespace kintsugi::conv_transpose2d
