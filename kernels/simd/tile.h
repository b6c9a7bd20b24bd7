// SPDX-License-Identifier: MIT
//
// The register tiles of the convolutions: the innermost contract, between the scheduler
// (tap_convolution.cpp, ordinary C++) and the code compiled once per instruction set: tile.cpp, whose
// vectors lie along the output's channels, and dot_tile.cpp for few outputs, along the input's.
// Plain data: see targets.h. Nobody else includes this.
#pragma once

#include <cstdint>

#include "kernels/simd/isa.h"
#include "kernels/simd/steps.h"

namespace kintsugi::simd {

/// Pixels in the largest tile of any instruction set.
constexpr int64_t kMaxTilePixels = 13;

/// Pixels a tile of `vectors` vectors of channels can hold: accumulators, the weights of one
/// channel and one broadcast input fill the register file. 16 registers: 6x2 + 2 + 1 = 15 or
/// 12x1 + 1 + 1; 32 registers: 13x2 + 2 + 1 = 29 (a fourteenth pixel was not faster).
[[nodiscard]] constexpr int64_t max_tile_pixels(Isa isa, int64_t vectors) {
  if (isa == Isa::avx512 || isa == Isa::neon) return 13;
  return vectors == 1 ? 12 : 6;
}

/// Output channels of a dot tile, at most.
constexpr int64_t kDotOutputs = 4;

/// Pixels a dot tile can hold: accumulators, the weights of all outputs and one input vector. 16
/// registers: 6x2, 4x3 (12 + 3 + 1) or 3x4 (12 + 3 + 1, the inputs kept); 32: 8x3, 6x4. Eight at most:
/// their addresses stay in registers, too.
[[nodiscard]] constexpr int64_t max_dot_pixels(Isa isa, int64_t outputs) {
  const int64_t sums = isa == Isa::avx512 || isa == Isa::neon ? 24 : 12;
  return sums / outputs < 8 ? sums / outputs : 8;
}

/// A stretch of a tile's sum: `channels` consecutive elements of every pixel, by as many packed
/// weight rows. Taps that follow one another in both memories are one run.
struct Run {
  const float* pixel = nullptr;          // the tile's first pixel, the others `pixel_step` apart
  const float* const* pixels = nullptr;  // or one pointer a pixel, where the border bends the line
  int64_t weight = 0;                    // from TileTask::weight, in elements
  int64_t channels = 0;                  // a multiple of 4
};

struct TileTask {
  const Run* runs = nullptr;  // in order of summation
  int64_t run_count = 0;
  int64_t shift = 0;              // added to every Run::pixel: neighbours share a run list
  bool three = false;             // of every four channels the last is a pad, zero throughout
  int64_t pixel_step = 0;         // elements from one input pixel of the tile to the next
  const float* weight = nullptr;  // a packed block
  int64_t weight_step = 0;        // its columns: from one weight row to the next
  int64_t gates = 0;  // with a gate: channels from a feature to it, and half the columns are gates
  const float* ahead = nullptr;  // what is read soon: brought into L2, a line each channel of a
  int64_t ahead_step = 0;        // straight run, the lines so many elements apart
  const BoundSteps* steps = nullptr;
  StepTile place;           // where the tile stands; `values` and `width` are the kernel's own
  float* output = nullptr;  // channel 0 of the first pixel
  int64_t output_step = 0;  // elements from one output pixel of the tile to the next
};

using TileFunction = void(const TileTask&);

/// The kernel for `pixels` (1 to max_tile_pixels) by `vectors` (1 or 2).
[[nodiscard]] TileFunction* tile_function(Isa isa, int64_t pixels, int64_t vectors);

/// The kernel for `pixels` (1 to max_dot_pixels) by `outputs` (1 to kDotOutputs), all the output has. Of
/// TileTask it takes no gates, fetches nothing ahead, and has no use for weight_step: a run's weights
/// are [vectors of its channels][outputs][lanes].
[[nodiscard]] TileFunction* dot_tile_function(Isa isa, int64_t pixels, int64_t outputs);

}  // namespace kintsugi::simd
