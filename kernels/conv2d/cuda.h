// SPDX-License-Identifier: MIT
//
// conv2d on CUDA: what a caller needs to run it, without CUDA. A convolution is a matrix product whose
// left side is never stored: rows are output pixels, columns output channels, and the depth is taps
// times input channels (implicit_gemm.cuh, simt.cuh). Views are NHWC on the device; a pixel starts
// at a multiple of 16 bytes, and what lies between C and the next 16 bytes is zero. The caller owns
// all memory, and gives tickets and partial sums to one launch at a time; a launch that failed leaves
// its tickets as they are. So far called by tests alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kernels/conv2d/conv2d.h"
#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/device/bound_steps.h"

namespace kintsugi::conv2d {

enum class CudaMethod : uint8_t {
  tensor_core,  // products of f16, bf16 or tf32, summed in f32
  simt,         // f32 throughout
};

/// How a CUDA kernel is to run a description; from choose_cuda(), pure and printable.
struct CudaConfig {
  CudaMethod method = CudaMethod::simt;
  int tile_n = 64;  // output channels of a block: 32, 64 or 128 on tensor cores, 64 otherwise
  int splits = 1;   // parts of the depth summed by different blocks, added up in order
  friend bool operator==(const CudaConfig&, const CudaConfig&) = default;
};

/// What float storage may be multiplied as. f16 and bf16 are always multiplied as they are.
enum class FloatMath : uint8_t { exact, tf32 };

/// The configuration for one picture of `input`'s height and width, never looking at the batch.
/// `element_bytes` is that of the storage type.
[[nodiscard]] CudaConfig choose_cuda(const Desc& desc, const Shape& input, int64_t element_bytes,
                                     FloatMath math, const device::DeviceInfo& device);
[[nodiscard]] std::string to_string(const CudaConfig& config);

/// Names the packed weight of one storage type, its order and its rounding: configurations with equal
/// names share a copy.
[[nodiscard]] std::string packing_cuda(const CudaConfig& config);

/// Output pixels of a block.
inline constexpr int kCudaTileM = 128;

/// Elements of the packed weight, pads zero: [K up to tile_n][R][S][C up to 16 bytes], the depth of a
/// row then up to a multiple of 64 bytes.
[[nodiscard]] int64_t packed_elements(const Desc& desc, const CudaConfig& config,
                                      int64_t element_bytes);
/// T is float, f16 or bf16; for tf32 the values are rounded here.
template <class T>
void pack(const Desc& desc, const CudaConfig& config, std::span<const float> weight,
          std::span<T> packed);

/// What parts of a split depth need: tickets, which are zero before the first launch and zero again
/// after each, so that launches of one stream may share them; and the sums, of one launch alone.
/// Nothing without splits.
struct Scratch {
  int64_t ticket_bytes = 0;
  int64_t partial_bytes = 0;
};
[[nodiscard]] Scratch scratch(const Desc& desc, const CudaConfig& config, const Shape& input);

/// What a launch moves between the multiprocessors and global memory, caches included, to the byte.
struct Traffic {
  int64_t read = 0;
  int64_t written = 0;
  friend bool operator==(const Traffic&, const Traffic&) = default;
};
/// Without what the epilogue's operands add.
[[nodiscard]] Traffic traffic(const Desc& desc, const CudaConfig& config, const Shape& input,
                              int64_t element_bytes);

template <class T>
struct CudaArgs {
  TensorView<const T> input;
  const T* weight = nullptr;  // packed
  /// Of the epilogue, in step order; channel vectors hold whole multiples of 16 bytes of T.
  std::span<const device::StepOperand> operands;
  TensorView<T> output;
  uint32_t* tickets = nullptr;  // both at multiples of 16 bytes; null without splits
  float* partial = nullptr;
};

/// T is float, f16 or bf16. Throws Error::unsupported where pixels, taps or channels do not fit 31 bits,
/// Error::internal where arguments do not belong together.
template <class T>
void cuda(const Desc& desc, const CudaConfig& config, const CudaArgs<T>& args,
          device::Stream& stream);

}  // namespace kintsugi::conv2d
