// SPDX-License-Identifier: MIT
//
// From an op's arguments to a launch: what a description does not say and a kernel relies on is checked
// here, and a configuration becomes one of the kernels. `op` opens the sentences of errors.
#pragma once

#include <string>
#include <type_traits>

#include "kernels/device/narrow.h"
#include "kernels/implicit_gemm/simt.cuh"
#include "kernels/implicit_gemm/tensor_core.cuh"

namespace kintsugi::implicit_gemm {

using device::narrow_int;

/// `output` is the shape that the description gives the input, `moment_tiles` the tiles of an image
/// whose moments it wants, 0 where it wants none.
template <class T>
void check(const char* op, const CudaConfig& config, const CudaArgs<T>& args, const Shape& output,
           const Prologue& prologue, const Steps& steps, int64_t moment_tiles) {
  constexpr int64_t kPerChunk = 16 / static_cast<int64_t>(sizeof(T));
  const auto refuse = [&](const char* what) {
    throw Error(ErrorCode::internal, std::string(op) + " on CUDA: " + what);
  };
  const auto aligned = [](const void* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; };
  if (!(output == args.output.shape)) refuse("an output does not fit");
  if (args.input.pitch % kPerChunk != 0 || args.output.pitch % kPerChunk != 0 ||
      !aligned(args.input.data) || !aligned(args.output.data) || !aligned(args.weight) ||
      !aligned(args.tickets) || !aligned(args.partial)) {
    refuse("a pixel does not start at 16 bytes");
  }
  const bool exact = config.method == CudaMethod::simt;
  if (exact && (config.tile_n != 64 || !std::is_same_v<T, float>)) {
    refuse("the exact kernel has one tile and one type");
  }
  if (config.splits > 1 && (args.tickets == nullptr || args.partial == nullptr)) {
    refuse("parts of a depth have nowhere to meet");
  }
  const int read = prologue.steps.operand_count() + steps.operand_count();
  if (static_cast<int>(args.operands.size()) != read) {
    refuse("prologue and epilogue read another number of operands");
  }
  if (prologue.steps.gate() >= 0) refuse("an input has no gates");
  if (config.gated != (steps.gate() >= 0)) refuse("weights were packed for another epilogue");
  if (config.gated && config.tile_n < kLeastFused) refuse("a block has no room for gates");
  const MomentsView<float>& moments = args.moments;
  if ((moment_tiles > 0) != (moments.data != nullptr)) {
    refuse("moments are left where the description wants them, and only there");
  }
  if (moment_tiles > 0 && config.gated) refuse("what was gated leaves no moments");
  if (moment_tiles > 0 && (moments.tiles != moment_tiles || !aligned(moments.data) ||
                           moments.channels != round_up(output.c(), kPerChunk))) {
    refuse("moments do not fit the output");
  }
}

/// Without the steps between taps and the padding mode, which are the op's.
template <class T>
Input input_of(const char* op, const TensorView<const T>& view, const Prologue& prologue) {
  const int64_t up = prologue.upsample;
  static_cast<void>(narrow_int(op, view.shape.pixels(), "pixels"));
  return {.height = narrow_int(op, checked_multiply(view.shape.h(), up), "pixels"),
          .width = narrow_int(op, checked_multiply(view.shape.w(), up), "pixels"),
          .shift = up == 2 ? 1 : 0,
          .chunks = narrow_int(op, pixel_chunks(view.shape.c(), sizeof(T)), "channels"),
          .channels = narrow_int(op, view.shape.c(), "channels"),
          .pitch = view.pitch};
}

template <class T>
Output output_of(const char* op, const TensorView<T>& view, const CudaConfig& config) {
  const int64_t filters = view.shape.c() * (config.gated ? 2 : 1);
  const int64_t tiles = divide_up(columns_of(filters, config.gated, sizeof(T)), config.tile_n);
  static_cast<void>(narrow_int(op, filters, "channels"));
  return {.channels = narrow_int(op, view.shape.c(), "channels"),
          .column_tiles = narrow_int(op, tiles, "blocks of channels"),
          .pitch = view.pitch};
}

/// Of all taps: a row of the packed weight.
inline int depth_chunks(const char* op, Pair kernel, const Input& input) {
  const int64_t chunks = checked_product({kernel.h, kernel.w, input.chunks});
  return narrow_int(op, checked_add(chunks, kChunks), "chunks of a depth") - kChunks;
}

template <class Kernel, class Problem>
void launch(const char* op, const Problem& problem, int64_t row_blocks, device::Stream& stream) {
  const int64_t blocks = checked_multiply(row_blocks, problem.geometry.output.column_tiles);
  const device::Grid grid{.x = static_cast<unsigned>(narrow_int(op, blocks, "blocks")),
                          .y = static_cast<unsigned>(problem.splits)};
  device::launch(stream, grid, Kernel{.problem = problem});
}

template <bool kChanges, class T, Geometry G>
void choose_kernel(const char* op, const Problem<T, G>& problem, const CudaConfig& config,
                   int64_t row_blocks, device::Stream& stream) {
  if constexpr (std::is_same_v<T, float>) {
    if (config.method == CudaMethod::simt) {
      return launch<Simt<G, kChanges>>(op, problem, row_blocks, stream);
    }
  }
  // What the tensor cores multiply where elements are stored as T.
  using M = std::conditional_t<std::is_same_v<T, float>, device::tf32, T>;
  switch (config.tile_n) {
    case 32: return launch<TensorCore<T, M, 32, G, kChanges>>(op, problem, row_blocks, stream);
    case 64: return launch<TensorCore<T, M, 64, G, kChanges>>(op, problem, row_blocks, stream);
    case 128:
      if constexpr (!kChanges || G::kWidestChanged == 128) {
        return launch<TensorCore<T, M, 128, G, kChanges>>(op, problem, row_blocks, stream);
      }
      break;
    default: break;
  }
  if constexpr (!kChanges) {
    switch (config.tile_n) {
      case 8: return launch<TensorCore<T, M, 8, G, false>>(op, problem, row_blocks, stream);
      case 16: return launch<TensorCore<T, M, 16, G, false>>(op, problem, row_blocks, stream);
      default: break;
    }
  }
  throw Error(ErrorCode::internal, std::string(op) + " on CUDA has no tile of " +
                                       std::to_string(config.tile_n) +
                                       (kChanges ? " for prologue steps" : ""));
}

/// Arguments that were checked. `row_blocks` are the blocks of rows of all parts.
template <class T, Geometry G>
void run(const char* op, const G& geometry, const CudaConfig& config, const CudaArgs<T>& args,
         const Prologue& prologue, const Steps& steps, int64_t row_blocks, device::Stream& stream) {
  const auto before = static_cast<size_t>(prologue.steps.operand_count());
  const Problem<T, G> problem{.input = args.input.data,
                              .weight = args.weight,
                              .output = args.output.data,
                              .geometry = geometry,
                              .prologue = device::bind(prologue.steps, args.operands.first(before)),
                              .steps = device::bind(steps, args.operands.subspan(before)),
                              .splits = config.splits,
                              .partial = args.partial,
                              .tickets = args.tickets,
                              .moments = args.moments};
  return prologue.steps.empty() ? choose_kernel<false>(op, problem, config, row_blocks, stream)
                                : choose_kernel<true>(op, problem, config, row_blocks, stream);
}

}  // namespace kintsugi::implicit_gemm
