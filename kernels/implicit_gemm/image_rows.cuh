// SPDX-License-Identifier: MIT
//
// The left side of the matrix product that a convolution is: rows are output pixels, the depth runs
// over taps and, inside a tap, over input channels, 16 bytes at a time (a chunk). No such matrix is
// stored; a thread that loads a chunk of it is told here which input pixel that is. Padding costs
// nothing but the test: what lies in it is filled with zeros, or found by reflection. Which rows and
// taps there are is for an op's geometry to say (conv2d/geometry.cuh, conv_transpose2d/geometry.cuh).
#pragma once

#include <concepts>
#include <cstdint>

#include "kernels/core/padding.h"
#include "kernels/device/launch.cuh"

namespace kintsugi::implicit_gemm {

/// The input as taps see it, and how far apart in it those of a window lie. 32 bits, here and in the
/// geometries: launching checks that they suffice.
struct Input {
  int height = 0, width = 0;   // enlarged
  int shift = 0;               // 1 where every stored pixel is seen as 2 by 2
  int step_h = 1, step_w = 1;  // from a tap to the next; may be negative
  PaddingMode padding_mode = PaddingMode::zero;
  int chunks = 1;     // of 16 bytes in a pixel
  int channels = 1;   // less than the chunks hold: zeros
  int64_t pitch = 0;  // in elements
};

struct Output {
  int channels = 0;
  int column_tiles = 1;  // blocks side by side for all channels
  int64_t pitch = 0;     // in elements
};

/// One row: where its window begins in the input. A row that is no pixel has no window.
struct Window {
  int n = -1;  // the sample; -1 of no pixel
  int y = 0, x = 0;
};

/// How many taps a window has in either direction. Where there are none, h is 0 and w is not.
struct Taps {
  int h = 1, w = 1;
};

/// A place in the depth: a chunk of a tap. It moves forward only.
struct Depth {
  int r = 0, s = 0;  // the tap, counted from 0; past the end r is not below the number of taps
  int chunk = 0;

  KIN_DEVICE void advance(const Input& input, Taps taps, int chunks) {
    chunk += chunks;
    while (chunk >= input.chunks && r < taps.h) {
      chunk -= input.chunks;
      if (++s == taps.w) {
        s = 0;
        ++r;
      }
    }
  }
};

/// The stored pixel that a window reads at a tap, -1 for zeros.
KIN_DEVICE int pixel_at(const Input& input, const Window& window, const Depth& depth) {
  if (window.n < 0) return -1;
  int y = window.y + depth.r * input.step_h;
  int x = window.x + depth.s * input.step_w;
  const bool inside = static_cast<unsigned>(y) < static_cast<unsigned>(input.height) &&
                      static_cast<unsigned>(x) < static_cast<unsigned>(input.width);
  if (!inside) {
    if (input.padding_mode == PaddingMode::zero) return -1;
    y = y < 0 ? -y : y >= input.height ? 2 * (input.height - 1) - y : y;
    x = x < 0 ? -x : x >= input.width ? 2 * (input.width - 1) - x : x;
  }
  const int row = window.n * (input.height >> input.shift) + (y >> input.shift);
  return row * (input.width >> input.shift) + (x >> input.shift);
}

/// Where a row is stored: output pixel number `pixel`, of sample `n`; -1 where it is no pixel.
struct Target {
  int n = -1;
  int pixel = 0;
};

/// What an op says of its product, as plain data. Its rows come in parts that have taps of their own;
/// the blocks of all parts are numbered together, and a block of rows may have no pixel.
template <typename G>
concept Geometry = requires(const G& g, typename G::Part part, int number, Depth depth) {
  requires std::same_as<decltype(g.input), Input>;
  requires std::same_as<decltype(g.output), Output>;
  { G::kWidestChanged } -> std::convertible_to<int>;  // columns of a block with prologue steps
  { g.weight_chunks } -> std::convertible_to<int>;    // of all taps: a row of the packed weight
  { g.part_of(number) } -> std::same_as<typename G::Part>;  // of a block of rows
  { g.block_of_part(number) } -> std::same_as<int>;         // which of its part's it is
  { g.pixels_left(part, number) } -> std::same_as<int>;     // of a row's image, from it on; or none
  { g.taps(part) } -> std::same_as<Taps>;
  { g.window(part, number) } -> std::same_as<Window>;  // of a row
  { g.weight_chunk(part, depth) } -> std::same_as<int>;
  { g.target(part, number) } -> std::same_as<Target>;  // of a row
};

}  // namespace kintsugi::implicit_gemm
