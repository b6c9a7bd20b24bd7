// SPDX-License-Identifier: MIT
//
// What both convolutions on CUDA say to their callers in the same words, without CUDA: the
// configuration of a launch, its arguments, its scratch and what it moves; and the arithmetic behind
// them, of a product whose size an op knows (conv2d/cuda_policy.cpp, conv_transpose2d/cuda_policy.cpp).
// Pure functions, nothing owned. Callers of an op find these names in the op's own cuda.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kernels/core/half.h"
#include "kernels/core/moments.h"
#include "kernels/core/pack_rows.h"
#include "kernels/core/view.h"
#include "kernels/device/api.h"
#include "kernels/device/bound_steps.h"
#include "kernels/device/traffic.h"

namespace kintsugi::implicit_gemm {

enum class CudaMethod : uint8_t {
  tensor_core,  // products of f16, bf16 or tf32, summed in f32
  simt,         // f32 throughout
};

/// How a CUDA kernel is to run a description; from choose_cuda(), pure and printable.
struct CudaConfig {
  CudaMethod method = CudaMethod::simt;
  int tile_n = 64;  // filters of a block: 8, 16, 32, 64 or 128 on tensor cores, else 64
  int splits = 1;   // parts of the depth summed by different blocks, added up in order
  /// The epilogue pairs filters: 16 bytes' worth of features stand before their gates, in the packed
  /// weight as in the product, so that a block holds both. tile_n is kLeastFused at least.
  bool gated = false;
  friend bool operator==(const CudaConfig&, const CudaConfig&) = default;
};

[[nodiscard]] std::string to_string(const CudaConfig& config);

/// Names the packed weight of one storage type, its order and its rounding: configurations with equal
/// names share a copy.
[[nodiscard]] std::string packing(const CudaConfig& config);

/// What float storage may be multiplied as. f16 and bf16 are always multiplied as they are.
enum class FloatMath : uint8_t { exact, tf32 };

/// The narrowest tile on tensor cores for gates, and for prologue steps.
inline constexpr int kLeastFused = 32;

/// Output pixels of a block.
inline constexpr int kTileM = 128;

/// What parts of a split depth need: tickets, which are zero before the first launch and zero again
/// after each, so that launches of one stream may share them; and the sums, of one launch alone.
/// Nothing without splits.
struct Scratch {
  int64_t ticket_bytes = 0;
  int64_t partial_bytes = 0;
};

using device::Traffic;

template <class T>
struct CudaArgs {
  TensorView<const T> input;
  const T* weight = nullptr;  // packed
  /// Of the prologue, then of the epilogue, in step order; channel vectors hold whole multiples of
  /// 16 bytes of T. Those before a gate are dense: the gate of channel k at K + k.
  kintsugi::OperandList operands;
  TensorView<T> output;
  uint32_t* tickets = nullptr;  // both at multiples of 16 bytes; null without splits
  float* partial = nullptr;
  /// Where moments are to be left; a record's channels are whole groups of 16 bytes of T.
  MomentsView<float> moments = {};
};

// For the ops' policies.

/// The size of a product: blocks of rows, of all parts, columns, and the chunks of the deepest row.
struct Product {
  int64_t row_blocks = 0;
  int64_t columns = 0;  // columns_of()
  int64_t chunks = 0;
  bool gated = false;
  bool changes = false;      // there are prologue steps
  int widest_changed = 128;  // the widest tile then
};

/// Of so many filters: as many, or where they are gated both halves up to 16 bytes.
[[nodiscard]] int64_t columns_of(int64_t filters, bool gated, int64_t element_bytes);

/// Bytes of a pixel, whole chunks.
[[nodiscard]] int64_t pixel_bytes(int64_t channels, int64_t element_bytes);
[[nodiscard]] int64_t pixel_chunks(int64_t channels, int64_t element_bytes);

/// Rows from an image of so many pixels to the next. Where moments are left each image begins with a
/// block of rows, whose record is then of it alone; rows before the next are no pixels.
[[nodiscard]] int64_t sample_rows(int64_t pixels, bool moments);
/// Blocks of rows of so many batch items.
[[nodiscard]] int64_t row_blocks(int64_t items, int64_t pixels, bool moments);

/// `product` is that of one image.
[[nodiscard]] CudaConfig choose(const Product& product, int64_t element_bytes, FloatMath math,
                                const device::DeviceInfo& device);
[[nodiscard]] Scratch scratch(const CudaConfig& config, const Product& product);

/// What `row_blocks` blocks of rows as deep as `chunks` read of the weight, and move for the sums of a
/// split depth.
[[nodiscard]] Traffic weight_traffic(const CudaConfig& config, int64_t row_blocks, int64_t columns,
                                     int64_t chunks);

/// Filters as a file holds them: [K, C, taps], or [C, K, taps].
struct Filters {
  int64_t out_channels = 0;
  int64_t in_channels = 0;
  int64_t taps = 0;
  bool rows_are_filters = true;
};

/// Elements of the packed weight, pads zero: [columns up to tile_n][taps][C up to 16 bytes].
[[nodiscard]] int64_t packed_elements(const Filters& filters, const CudaConfig& config,
                                      int64_t element_bytes);
/// Some rows of the first axis, into zeros. T is float, f16 or bf16; for tf32 the values are rounded here.
template <class T>
void pack(const Filters& filters, const CudaConfig& config, const Rows& rows,
          std::span<const float> weight, std::span<T> packed);

}  // namespace kintsugi::implicit_gemm
