// SPDX-License-Identifier: MIT
//
// conv_transpose2d by phases, on the CPU.
//
// Math        y[n,k,y,x] = epilogue( sum over r,s,c of x[n,c,i,j] * w[c,k,r,s] ), i*st + r*d - p ==
// y, ..
//             For y = q*st + o only the taps with (o + p - r*d) divisible by st remain, and
//             i = q + (o + p - r*d)/st: each phase o is a convolution of stride 1 with few taps.
// Shapes      x [N,C,H,W]   w packed [K/block][R][S][C][block]   y [N,K,P,Q]
// Layout      NHWC with a pitch; a phase's pixels stand st pixels apart in the output
// Gates       features and their gates stand in one block of columns (kernels/simd/filter_order.h)
// Prologue    its steps pass over the whole input first, into the workspace
// Tiling      a task owns task_rows rows of one phase by one block of columns; a register
//             tile owns tile_pixels of such a row by that block (kernels/simd/tile.cpp)
// Threads     tasks of (n, rows, phase, block) from a common queue, blocks innermost
// Numerics    f32; an element is summed tap by tap (r, s), channels innermost, one FMA each
// Roofline    2*N*C*H*W*K*R*S FLOP, none of them by an inserted zero, over
//             4*(N*C*H*W + C*K*R*S + N*K*P*Q) bytes. 4x4 stride 2 256->128 on 64x64: 4.3 GFLOP over
//             14.7 MB: bound by the FMA units
// Limits      none beyond the contract
#include <algorithm>
#include <vector>

#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/conv_transpose2d/phases.h"
#include "kernels/simd/filter_order.h"
#include "kernels/simd/tap_convolution.h"
#include "kernels/simd/transform.h"

namespace kintsugi::conv_transpose2d {
namespace {

/// The taps that reach output pixels of phase `offset`, in the formula's order.
std::vector<simd::Tap> taps_of(const Desc& desc, Pair offset, int64_t matrix) {
  std::vector<simd::Tap> taps;
  for (int64_t r = 0; r < desc.kernel.h; ++r) {
    for (int64_t s = 0; s < desc.kernel.w; ++s) {
      const int64_t y = offset.h + desc.padding.h - r * desc.dilation.h;
      const int64_t x = offset.w + desc.padding.w - s * desc.dilation.w;
      if (y % desc.stride.h != 0 || x % desc.stride.w != 0) continue;
      taps.push_back({.dy = y / desc.stride.h,
                      .dx = x / desc.stride.w,
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
  const Steps& before = desc.prologue.steps;
  const auto read = static_cast<size_t>(before.operand_count());
  TensorView<const float> input = args.input;
  if (!before.empty()) {
    input = simd::transform_copy(config.isa, before, args.operands.first(read), input,
                                 args.workspace.as<float>(), parallel);
  }
  const simd::FilterOrder order =
      simd::filter_order(desc.out_channels, desc.epilogue, config.isa, config.vectors);
  const int64_t matrix = storage_channels(desc.in_channels) * order.block();
  std::vector<std::vector<simd::Tap>> taps;
  std::vector<simd::Phase> phases;
  const Pair count = phases_of(desc.stride, args.output.shape);
  for (int64_t y = 0; y < count.h; ++y) {
    for (int64_t x = 0; x < count.w; ++x) {
      taps.push_back(taps_of(desc, {y, x}, matrix));
      phases.push_back({.taps = taps.back(), .offset = {y, x}});  // a moved vector keeps its data
    }
  }
  simd::run(config.isa,
            {.input = input,
             .output = args.output,
             .phases = phases,
             .output_stride = desc.stride,
             .weight = args.weight.data(),
             .block_elements = desc.kernel.h * desc.kernel.w * matrix,
             .vectors = order.vectors,
             .tile_pixels = config.tile_pixels,
             .task_rows = config.task_rows,
             .steps = &desc.epilogue,
             .operands = args.operands.subspan(read),
             .moments = args.moments},
            parallel);
}

}  // namespace kintsugi::conv_transpose2d
