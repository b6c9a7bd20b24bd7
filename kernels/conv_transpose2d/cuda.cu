// SPDX-License-Identifier: MIT
//
// conv_transpose2d by phases, on CUDA: launches. The kernels are those of kernels/implicit_gemm, whose
// Tiling, Shared and Sync hold here too.
//
// Math        y[n,k,y,x] = steps( sum over r,s,c of x[n,c,i,j] * w[c,k,r,s] ), i*st + r*d - p == y, ..
//             For y = q*st + o only every (st/g)-th tap remains, g = gcd(st, d), and reads input
//             pixels d/g apart: each phase o is a convolution of stride 1 with few taps (phases.h).
// Shapes      x [N,H,W,C]   w packed [K][R][S][C]   y [N,P,Q,K].  As GEMMs, one a phase: gm = N * ceil(P/st) *
//             ceil(Q/st) rows, gn = K columns, gk = (R*S/st^2)*C deep, C rounded up to 16 bytes.
// Tiling      grid (gm/128 * phases * gn/tile_n, splits), columns innermost, then phases: what runs
//             together reads the same pixels. A phase with fewer rows than the first leaves its last
//             blocks nothing to do, and they end at once.
// Numerics    f32 accumulation, taps of a phase in ascending order, channels innermost; with splits a
//             sum over parts in the order of the depth; steps in f32; one rounding at the store
// Roofline    2*N*C*H*W*K*R*S FLOP, none of them by an inserted zero, over e*(N*C*H*W + C*K*R*S + N*K*P*Q)
//             bytes, e of an element. 4x4 stride 2 256->128 on 64x64 in bf16: 4.3 GFLOP over 7.3 MB,
//             585 FLOP/B: compute bound.
// Limits      pixels start at multiples of 16 bytes; fewer than 2^31 output pixels; groups are 1
#include "kernels/conv_transpose2d/cuda.h"

#include "kernels/conv_transpose2d/contract.h"
#include "kernels/conv_transpose2d/geometry.cuh"
#include "kernels/implicit_gemm/launches.cuh"

namespace kintsugi::conv_transpose2d {
namespace {

constexpr const char* kOp = "conv_transpose2d";

template <class T>
PhaseGeometry geometry_of(const Desc& desc, const CudaConfig& config, const Args<T>& args) {
  const Shape& out = args.output.shape;
  PhaseGeometry geometry{
      .input = implicit_gemm::input_of(kOp, args.input, desc.prologue),
      .output = implicit_gemm::output_of(kOp, args.output, config),
      .weight_chunks = 0,
      .samples = implicit_gemm::narrow_int(kOp, out.n(), "batch items"),
      .h = axis_of(out.h(), desc.kernel.h, desc.stride.h, desc.dilation.h, desc.padding.h),
      .w = axis_of(out.w(), desc.kernel.w, desc.stride.w, desc.dilation.w, desc.padding.w)};
  static_cast<void>(implicit_gemm::narrow_int(kOp, out.pixels(), "pixels"));
  if (desc.moments) {
    const int64_t rows = implicit_gemm::sample_rows(
        checked_multiply(outputs(geometry.h, 0), outputs(geometry.w, 0)), true);
    static_cast<void>(implicit_gemm::narrow_int(kOp, checked_multiply(out.n(), rows), "pixels"));
    geometry.sample_rows = static_cast<int>(rows);
  }
  geometry.input.step_h = -geometry.h.back;
  geometry.input.step_w = -geometry.w.back;
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
  const PhaseGeometry geometry = geometry_of(desc, config, args);
  const int64_t pixels =  // of the first phase, which has the most
      checked_multiply(outputs(geometry.h, 0), outputs(geometry.w, 0));
  const int64_t row_blocks =
      checked_product({implicit_gemm::row_blocks(geometry.samples, pixels, desc.moments),
                       phases(geometry.h), phases(geometry.w)});
  implicit_gemm::run(kOp, geometry, config, bound, desc.prologue, desc.epilogue, row_blocks,
                     stream);
}

template void cuda(const Desc&, const CudaConfig&, const Args<float>&, device::Stream&);
template void cuda(const Desc&, const CudaConfig&, const Args<f16>&, device::Stream&);
template void cuda(const Desc&, const CudaConfig&, const Args<bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config& config, const Call& call, device::Stream& stream) {
  with_cuda_type(call.dtype, [&]<class T>(T) {
    conv_transpose2d::cuda<T>(desc, std::get<CudaConfig>(config), bind<T>(desc, call), stream);
  });
}

}  // namespace kintsugi::conv_transpose2d
