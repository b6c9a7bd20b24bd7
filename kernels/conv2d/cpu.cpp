// SPDX-License-Identifier: MIT
//
// conv2d, direct and for few outputs, on the CPU: sums over taps; winograd.cpp is the other form.
//
// Math        y[n,k,y,x] = epilogue( sum over r,s,c of  x[n,c,y*st + r*d - p,x*st + s*d - p] *
//             w[k,c,r,s] )
// Shapes      x [N,C,H,W]   w packed [K/block][R][S][C][block]   y [N,K,P,Q]
//             few outputs: w packed [R][S][C/lanes][K][lanes], K at most 4
// Layout      NHWC with a pitch; only channels below storage_channels(C) are read
// Gates       features and their gates stand in one block of columns (kernels/simd/filter_order.h)
// Prologue    steps pass over the whole input first, into the workspace. Enlarging is an address: of
//             an input enlarged twice the even and the odd outputs are phases, whose taps read the
//             stored pixels by a fixed stride
// Tiling      a task owns task_rows output rows by one block of columns, whose weights stay in
//             L2; a register tile owns tile_pixels of a row by that block (kernels/simd/tile.cpp). With few
//             outputs there is one block, and a vector holds input channels (kernels/simd/dot_tile.cpp)
// Threads     tasks of (n, rows, block) from a common queue, blocks innermost: neighbours share rows
// Numerics    f32; an element is summed tap by tap (r, s), channels innermost, one FMA each (few outputs:
//             lane l the channels l, l + lanes, .., and the lanes at last, in one order); taps in
//             the zero padding are left out, which changes no bit of a finite sum
//             (taps that read one stored pixel are not joined either: same bits as without)
// Roofline    2*N*K*P*Q*C*R*S FLOP over 4*(N*C*H*W + K*C*R*S + N*K*P*Q) bytes. 3x3 256->256 on
//             64x64: 4.8 GFLOP over 10.7 MB: bound by the FMA units. 7x7 64->3 on 256x256: 1.2
//             GFLOP over 17.6 MB, likewise; a task's 38 KB of weights are read once a register tile
// Limits      few outputs: no gate
#include <vector>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/direct.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/simd/tap_convolution.h"
#include "kernels/simd/transform.h"

namespace kintsugi::conv2d {
namespace {

/// The taps of the outputs that stand `offset` behind those of the first phase.
std::vector<simd::Tap> taps_of(const Desc& desc, Pair offset, int64_t matrix) {
  std::vector<simd::Tap> taps;
  for (int64_t r = 0; r < desc.kernel.h; ++r) {
    for (int64_t s = 0; s < desc.kernel.w; ++s) {
      taps.push_back({.dy = offset.h * desc.stride.h + r * desc.dilation.h - desc.padding.h,
                      .dx = offset.w * desc.stride.w + s * desc.dilation.w - desc.padding.w,
                      .weight = (r * desc.kernel.w + s) * matrix});
    }
  }
  return taps;
}

}  // namespace

void cpu(const Desc& desc, const CpuConfig& config, const Args<float>& args, Parallel& parallel) {
  check_moments(desc, desc.moments, args.moments,
                desc.moments ? moment_tiles(desc, config, args.input.shape) : 0,
                storage_channels(args.output.shape.c()));
  if (config.algorithm == Algorithm::winograd) return winograd::cpu(desc, config, args, parallel);
  const Steps& before = desc.prologue.steps;
  const auto read = static_cast<size_t>(before.operand_count());
  TensorView<const float> input = args.input;
  if (!before.empty()) {
    input = simd::transform_copy(config.isa, before, args.operands.first(read), input,
                                 args.workspace.as<float>(), parallel);
  }
  const simd::FilterOrder order = order_of(desc, config);
  const int64_t matrix = matrix_elements(desc, config);
  const Pair apart = phases_of(desc);
  std::vector<std::vector<simd::Tap>> taps;
  std::vector<simd::Phase> phases;
  for (int64_t y = 0; y < apart.h; ++y) {
    for (int64_t x = 0; x < apart.w; ++x) {
      taps.push_back(taps_of(desc, {y, x}, matrix));
      phases.push_back({.taps = taps.back(), .offset = {y, x}});  // a moved vector keeps its data
    }
  }
  simd::run(config.isa,
            {.input = input,
             .output = args.output,
             .phases = phases,
             .input_stride = {checked_multiply(desc.stride.h, apart.h),
                              checked_multiply(desc.stride.w, apart.w)},
             .output_stride = apart,
             .upsample = desc.prologue.upsample,
             .reflect = desc.padding_mode == PaddingMode::reflect,
             .weight = args.weight.data(),
             .block_elements = desc.kernel.h * desc.kernel.w * matrix,
             .few_outputs = config.algorithm == Algorithm::few_outputs,
             .vectors = order.vectors,
             .tile_pixels = config.tile_pixels,
             .task_rows = config.task_rows,
             .steps = &desc.epilogue,
             .operands = args.operands.subspan(read),
             .moments = args.moments},
            parallel);
}

}  // namespace kintsugi::conv2d
