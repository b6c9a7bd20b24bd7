// SPDX-License-Identifier: MIT
//
// Launches of conv2d: a description and its shapes become a geometry; the kernels, and what they cost,
// are those of kernels/implicit_gemm.
#include "kernels/conv2d/cuda.h"

#include "kernels/conv2d/contract.h"
#include "kernels/conv2d/geometry.cuh"
#include "kernels/implicit_gemm/launches.cuh"

namespace kintsugi::conv2d {
namespace {

constexpr const char* kOp = "conv2d";

template <class T>
ConvGeometry geometry_of(const Desc& desc, const CudaConfig& config, const Args<T>& args) {
  const Shape& out = args.output.shape;
  const auto pixels = [](int64_t value) { return implicit_gemm::narrow_int(kOp, value, "pixels"); };
  const auto taps = [](int64_t value) { return implicit_gemm::narrow_int(kOp, value, "taps"); };
  // The farthest coordinate a window asks for, and every count of pixels, must fit.
  static_cast<void>(pixels(checked_multiply(out.h(), desc.stride.h)));
  static_cast<void>(pixels(checked_multiply(out.w(), desc.stride.w)));
  static_cast<void>(pixels(checked_multiply(desc.kernel.h, desc.dilation.h)));
  static_cast<void>(pixels(checked_multiply(desc.kernel.w, desc.dilation.w)));
  static_cast<void>(pixels(out.pixels()));
  const int64_t rows = implicit_gemm::sample_rows(checked_multiply(out.h(), out.w()), desc.moments);
  // The last block begins below 2^31.
  static_cast<void>(pixels(checked_multiply(out.n(), rows)));
  ConvGeometry geometry{.input = implicit_gemm::input_of(kOp, args.input, desc.prologue),
                        .output = implicit_gemm::output_of(kOp, args.output, config),
                        .weight_chunks = 0,
                        .out_height = pixels(out.h()),
                        .out_width = pixels(out.w()),
                        .sample_rows = pixels(rows),
                        .samples = implicit_gemm::narrow_int(kOp, out.n(), "batch items"),
                        .kernel = {taps(desc.kernel.h), taps(desc.kernel.w)},
                        .stride_h = pixels(desc.stride.h),
                        .stride_w = pixels(desc.stride.w),
                        .padding_h = pixels(desc.padding.h),
                        .padding_w = pixels(desc.padding.w)};
  geometry.input.step_h = pixels(desc.dilation.h);
  geometry.input.step_w = pixels(desc.dilation.w);
  geometry.input.padding_mode = desc.padding_mode;
  geometry.weight_chunks = implicit_gemm::depth_chunks(kOp, desc.kernel, geometry.input);
  return geometry;
}

}  // namespace

template <class T>
void cuda(const Desc& desc, const CudaConfig& config, const Args<T>& args, device::Stream& stream) {
  const implicit_gemm::CudaArgs<T> bound{.input = args.input,
                                         .weight = args.weight.data(),
                                         .operands = args.operands,
                                         .output = args.output,
                                         .tickets = args.tickets,
                                         .partial = reinterpret_cast<float*>(args.workspace.data),
                                         .moments = args.moments};
  implicit_gemm::check(kOp, config, bound, output_shape(desc, args.input.shape), desc.prologue,
                       desc.epilogue,
                       desc.moments ? moment_tiles(desc, config, args.input.shape) : 0);
  const ConvGeometry geometry = geometry_of(desc, config, args);
  const int64_t pixels = checked_multiply(geometry.out_height, geometry.out_width);
  implicit_gemm::run(kOp, geometry, config, bound, desc.prologue, desc.epilogue,
                     implicit_gemm::row_blocks(geometry.samples, pixels, desc.moments), stream);
}

template void cuda(const Desc&, const CudaConfig&, const Args<float>&, device::Stream&);
template void cuda(const Desc&, const CudaConfig&, const Args<f16>&, device::Stream&);
template void cuda(const Desc&, const CudaConfig&, const Args<bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config& config, const Call& call, device::Stream& stream) {
  with_cuda_type(call.dtype, [&]<class T>(T) {
    conv2d::cuda<T>(desc, std::get<CudaConfig>(config), bind<T>(desc, call), stream);
  });
}

}  // namespace kintsugi::conv2d
