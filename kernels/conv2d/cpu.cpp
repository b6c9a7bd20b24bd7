// SPDX-License-Identifier: MIT
//
// conv2d, direct, on the CPU; winograd.cpp is the other form.
//
// Math        y[n,k,y,x] = epilogue( sum over r,s,c of  x[n,c,y*st + r*d - p,x*st + s*d - p] *
//             w[k,c,r,s] )
// Shapes      x [N,C,H,W]   w packed [K/block][R][S][C][block]   y [N,K,P,Q]
// Layout      NHWC with a pitch; only channels below storage_channels(C) are read
// Gates       features and their gates stand in one block of columns (kernels/simd/filter_order.h)
// Tiling      a task owns task_rows output rows by one block of columns, whose weights stay in L2; a register tile owns tile_pixels of a row by that block (kernels/simd/tile.cpp)
// Threads     tasks of (n, rows, block) from a common queue, blocks innermost: neighbours share rows
// Numerics    f32; an element is summed tap by tap (r, s), channels innermost, one FMA each; taps in
//             the zero padding are left out, which changes no bit of a finite sum
// Roofline    2*N*K*P*Q*C*R*S FLOP over 4*(N*C*H*W + K*C*R*S + N*K*P*Q) bytes. 3x3 256->256 on
//             64x64: 4.8 GFLOP over 10.7 MB: bound by the FMA units
// Limits      none beyond the contract
#include <vector>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/simd/tap_convolution.h"

namespace kintsugi::conv2d {

void cpu(const Desc& desc, const CpuConfig& config, const Args<float>& args, Parallel& parallel) {
  if (config.algorithm == Algorithm::winograd) return winograd::cpu(desc, config, args, parallel);
  const int64_t vectors = desc.epilogue.gate() < 0 ? config.vectors : 2;
  const int64_t matrix = storage_channels(desc.in_channels) * vectors * simd::lanes(config.isa);
  std::vector<simd::Tap> taps;
  for (int64_t r = 0; r < desc.kernel.h; ++r) {
    for (int64_t s = 0; s < desc.kernel.w; ++s) {
      taps.push_back({.dy = r * desc.dilation.h - desc.padding.h,
                      .dx = s * desc.dilation.w - desc.padding.w,
                      .weight = (r * desc.kernel.w + s) * matrix});
    }
  }
  const simd::Phase phase{.taps = taps};
  simd::run(config.isa,
            {.input = args.input,
             .output = args.output,
             .phases = {&phase, 1},
             .input_stride = desc.stride,
             .reflect = desc.padding_mode == PaddingMode::reflect,
             .weight = args.weight.data(),
             .block_elements = desc.kernel.h * desc.kernel.w * matrix,
             .vectors = vectors,
             .tile_pixels = config.tile_pixels,
             .task_rows = config.task_rows,
             .steps = &desc.epilogue,
             .operands = args.operands},
            parallel);
}

}  // namespace kintsugi::conv2d
