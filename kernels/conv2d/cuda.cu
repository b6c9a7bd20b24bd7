// SPDX-License-Identifier: MIT
//
// Launches of conv2d: arguments become a Problem, a configuration one of the kernels.
#include "kernels/conv2d/cuda.h"

#include <limits>

#include "kernels/conv2d/implicit_gemm.cuh"
#include "kernels/conv2d/simt.cuh"

namespace kintsugi::conv2d {
namespace {

static_assert(kTileM == kCudaTileM);

int narrow_int(int64_t value, const char* what) {
  if (value < 0 || value > std::numeric_limits<int>::max()) {
    throw Error(ErrorCode::unsupported, "conv2d on CUDA: " + std::to_string(value) + " " + what +
                                            " are beyond its 31 bits");
  }
  return static_cast<int>(value);
}

/// What a description does not say, and a kernel relies on.
template <class T>
void check(const Desc& desc, const CudaConfig& config, const CudaArgs<T>& args) {
  constexpr int64_t kPerChunk = 16 / static_cast<int64_t>(sizeof(T));
  const auto refuse = [](const char* what) {
    throw Error(ErrorCode::internal, std::string("conv2d on CUDA: ") + what);
  };
  const auto aligned = [](const void* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; };
  if (!(output_shape(desc, args.input.shape) == args.output.shape))
    refuse("an output does not fit");
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
  if (static_cast<int>(args.operands.size()) != desc.epilogue.operand_count()) {
    refuse("the epilogue reads another number of operands");
  }
}

template <class T>
Geometry geometry_of(const Desc& desc, const CudaConfig& config, const CudaArgs<T>& args) {
  constexpr int64_t kPerChunk = 16 / static_cast<int64_t>(sizeof(T));
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  const auto pixels = [](int64_t value) { return narrow_int(value, "pixels"); };
  const auto taps = [](int64_t value) { return narrow_int(value, "taps"); };
  // The farthest coordinate a window asks for, and every count of pixels, must fit.
  static_cast<void>(pixels(checked_multiply(out.h(), desc.stride.h)));
  static_cast<void>(pixels(checked_multiply(out.w(), desc.stride.w)));
  static_cast<void>(pixels(checked_multiply(desc.kernel.h, desc.dilation.h)));
  static_cast<void>(pixels(checked_multiply(desc.kernel.w, desc.dilation.w)));
  const int64_t chunks = divide_up(desc.in_channels, kPerChunk);
  const int64_t depth = checked_product({desc.kernel.h, desc.kernel.w, chunks});
  return {.height = pixels(in.h()),
          .width = pixels(in.w()),
          .out_height = pixels(out.h()),
          .out_width = pixels(out.w()),
          .rows = pixels(out.pixels()),  // the last block begins below 2^31
          .kernel_h = taps(desc.kernel.h),
          .kernel_w = taps(desc.kernel.w),
          .stride_h = pixels(desc.stride.h),
          .stride_w = pixels(desc.stride.w),
          .dilation_h = pixels(desc.dilation.h),
          .dilation_w = pixels(desc.dilation.w),
          .padding_h = pixels(desc.padding.h),
          .padding_w = pixels(desc.padding.w),
          .padding_mode = desc.padding_mode,
          .chunks = narrow_int(chunks, "channels"),
          .out_channels = narrow_int(desc.out_channels, "channels"),
          .pitch = args.input.pitch,
          .out_pitch = args.output.pitch,
          .depth_tiles = narrow_int(divide_up(depth, kChunks), "taps and channels"),
          .column_tiles =
              narrow_int(divide_up(desc.out_channels, config.tile_n), "blocks of channels")};
}

template <class Kernel, class T>
void launch(const Problem<T>& problem, device::Stream& stream) {
  const int64_t blocks =
      checked_multiply(divide_up(problem.geometry.rows, kTileM), problem.geometry.column_tiles);
  const device::Grid grid{.x = static_cast<unsigned>(narrow_int(blocks, "blocks")),
                          .y = static_cast<unsigned>(problem.splits)};
  device::launch(stream, grid, Kernel{.problem = problem});
}

/// M is what the tensor cores multiply where elements are stored as T.
template <class M, class T>
void launch_tensor_core(const Problem<T>& problem, int tile_n, device::Stream& stream) {
  switch (tile_n) {
    case 32: return launch<Conv2dImplicitGemm<T, M, 32>>(problem, stream);
    case 64: return launch<Conv2dImplicitGemm<T, M, 64>>(problem, stream);
    case 128: return launch<Conv2dImplicitGemm<T, M, 128>>(problem, stream);
    default:
      throw Error(ErrorCode::internal, "conv2d on CUDA has no tile of " + std::to_string(tile_n));
  }
}

}  // namespace

template <class T>
void cuda(const Desc& desc, const CudaConfig& config, const CudaArgs<T>& args,
          device::Stream& stream) {
  check(desc, config, args);
  const Problem<T> problem{.input = args.input.data,
                           .weight = args.weight,
                           .output = args.output.data,
                           .geometry = geometry_of(desc, config, args),
                           .steps = device::bind(desc.epilogue, args.operands),
                           .splits = config.splits,
                           .partial = args.partial,
                           .tickets = args.tickets};
  if constexpr (std::is_same_v<T, float>) {
    if (config.method == CudaMethod::simt) return launch<Conv2dSimt>(problem, stream);
    return launch_tensor_core<device::tf32>(problem, config.tile_n, stream);
  } else {
    return launch_tensor_core<T>(problem, config.tile_n, stream);
  }
}

template void cuda(const Desc&, const CudaConfig&, const CudaArgs<float>&, device::Stream&);
template void cuda(const Desc&, const CudaConfig&, const CudaArgs<f16>&, device::Stream&);
template void cuda(const Desc&, const CudaConfig&, const CudaArgs<bf16>&, device::Stream&);

}  // namespace kintsugi::conv2d
