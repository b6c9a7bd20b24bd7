// SPDX-License-Identifier: MIT
//
// The left side of the matrix product that a convolution is: rows are output pixels, the depth runs
// over taps and, inside a tap, over input channels, 16 bytes at a time (a chunk). No such matrix is
// stored; a thread that loads a chunk of it is told here which input pixel that is. Padding costs
// nothing but the test: what lies in it is filled with zeros, or found by reflection.
#pragma once

#include <cstdint>

#include "kernels/core/padding.h"
#include "kernels/device/launch.cuh"

namespace kintsugi::conv2d {

/// A description and its shapes, as a kernel takes them. 32 bits: launching checks that they suffice.
struct Geometry {
  int height = 0, width = 0;          // of the input
  int out_height = 0, out_width = 0;  // of the output
  int rows = 0;                       // N * out_height * out_width
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int dilation_h = 1, dilation_w = 1;
  int padding_h = 0, padding_w = 0;
  PaddingMode padding_mode = PaddingMode::zero;
  int chunks = 1;  // of 16 bytes in an input pixel
  int out_channels = 0;
  int64_t pitch = 0;  // of the input, in elements
  int64_t out_pitch = 0;
  int depth_tiles = 1;   // of the whole depth
  int column_tiles = 1;  // blocks side by side for all output channels
};

/// One row: where its window begins in the input. A row past the end has no window.
struct Window {
  int64_t sample = -1;  // n * height * width; -1 past the end
  int y = 0, x = 0;
};

KIN_DEVICE Window window_of(const Geometry& g, int row) {
  if (row >= g.rows) return {};
  const int pixels = g.out_height * g.out_width;
  const int n = row / pixels;
  const int rest = row - n * pixels;
  const int y = rest / g.out_width;
  const int x = rest - y * g.out_width;
  return {static_cast<int64_t>(n) * g.height * g.width, y * g.stride_h - g.padding_h,
          x * g.stride_w - g.padding_w};
}

/// A place in the depth: a chunk of a tap. It moves forward only.
struct Depth {
  int r = 0, s = 0;  // the tap; r == kernel_h past the end
  int chunk = 0;

  KIN_DEVICE void advance(const Geometry& g, int chunks) {
    chunk += chunks;
    while (chunk >= g.chunks && r < g.kernel_h) {
      chunk -= g.chunks;
      if (++s == g.kernel_w) {
        s = 0;
        ++r;
      }
    }
  }
};

/// The input pixel that a window reads at a tap, -1 for zeros.
KIN_DEVICE int64_t pixel_at(const Geometry& g, const Window& window, const Depth& depth) {
  if (window.sample < 0 || depth.r >= g.kernel_h) return -1;
  int y = window.y + depth.r * g.dilation_h;
  int x = window.x + depth.s * g.dilation_w;
  const bool inside = static_cast<unsigned>(y) < static_cast<unsigned>(g.height) &&
                      static_cast<unsigned>(x) < static_cast<unsigned>(g.width);
  if (!inside) {
    if (g.padding_mode == PaddingMode::zero) return -1;
    y = y < 0 ? -y : y >= g.height ? 2 * (g.height - 1) - y : y;
    x = x < 0 ? -x : x >= g.width ? 2 * (g.width - 1) - x : x;
  }
  return window.sample + static_cast<int64_t>(y) * g.width + x;
}

}  // namespace kintsugi::conv2d
