// SPDX-License-Identifier: MIT
//
// tap_convolution: what conv2d and conv_transpose2d have in common. An output pixel is a sum over
// taps; a tap is a shift of the input with its own [C][block] matrix of packed weights. The ops
// turn their descriptions into taps; this schedules the register tiles (tile.h) over rows, blocks
// of output channels and threads. It knows nothing of kernels, dilation or phases.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/core/moments.h"
#include "kernels/core/steps.h"
#include "kernels/core/view.h"
#include "kernels/simd/isa.h"
#include "kernels/simd/parallel.h"

namespace kintsugi::simd {

/// For the phase's output pixel (q, p) it reads pixel (q * stride.h + dy, ..) of the input, enlarged.
struct Tap {
  int64_t dy = 0;
  int64_t dx = 0;
  int64_t weight = 0;  // of its matrix, from the start of a packed block
};

/// The output pixels that share a tap list: (q * output_stride.h + offset.h, ..) for all q, p.
struct Phase {
  std::span<const Tap> taps;  // in order of summation
  Pair offset = 0;
};

struct TapConvolution {
  TensorView<const float> input;
  TensorView<float> output;
  std::span<const Phase> phases;
  Pair input_stride = 1;
  Pair output_stride = 1;
  int64_t upsample = 1;  // a stored pixel is repeated so often, 1 or 2; it divides the input stride
  bool reflect = false;  // at the border; else zeros

  const float* weight = nullptr;  // [blocks][block_elements]
  int64_t block_elements = 0;
  bool few_outputs = false;  // by dot tiles: one block, of all columns
  int64_t vectors = 1;       // in a block of columns (filter_order.h): 2 with a gate
  int64_t tile_pixels = 1;  // at most max_tile_pixels(isa, vectors) or max_dot_pixels(isa, outputs)
  int64_t task_rows = 1;    // rows of a phase that a task computes

  const Steps* steps = nullptr;
  Operands operands;
  MomentsView<float> moments;  // of the output, where they are to be left; else without data
};

/// Tiles whose moments run() leaves of a picture with so many rows: one for each task of a block.
[[nodiscard]] int64_t moment_tiles(int64_t rows, Pair output_stride, int64_t phases,
                                   int64_t task_rows);

/// Computes the output. Each element is summed by one thread in the order of its phase's taps,
/// channels innermost: bits depend neither on threads, batch nor tiling.
void run(Isa isa, const TapConvolution& convolution, Parallel& parallel);

}  // namespace kintsugi::simd
