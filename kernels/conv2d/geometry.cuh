// SPDX-License-Identifier: MIT
//
// Which rows and taps the matrix product of a convolution has: every output pixel is a row, and all
// rows have all taps.
#pragma once

#include "kernels/implicit_gemm/image_rows.cuh"

namespace kintsugi::conv2d {

struct ConvGeometry {
  struct Part {};  // there is but one
  static constexpr int kWidestChanged = 128;

  implicit_gemm::Input input;
  implicit_gemm::Output output;
  int weight_chunks = 1;
  int out_height = 0, out_width = 0;
  int sample_rows = 1;  // from an image to the next
  int samples = 1;
  implicit_gemm::Taps kernel;
  int stride_h = 1, stride_w = 1;
  int padding_h = 0, padding_w = 0;

  KIN_DEVICE Part part_of(int) const { return {}; }
  KIN_DEVICE int block_of_part(int number) const { return number; }
  KIN_DEVICE int pixels_left(Part, int row) const {
    const int n = row / sample_rows;
    return n < samples ? out_height * out_width - (row - n * sample_rows) : 0;
  }
  KIN_DEVICE implicit_gemm::Taps taps(Part) const { return kernel; }

  KIN_DEVICE implicit_gemm::Window window(Part, int row) const {
    const int n = row / sample_rows;
    const int rest = row - n * sample_rows;
    if (n >= samples || rest >= out_height * out_width) return {};
    const int y = rest / out_width;
    const int x = rest - y * out_width;
    return {.n = n, .y = y * stride_h - padding_h, .x = x * stride_w - padding_w};
  }

  KIN_DEVICE int weight_chunk(Part, implicit_gemm::Depth depth) const {
    return (depth.r * kernel.w + depth.s) * input.chunks + depth.chunk;
  }

  KIN_DEVICE implicit_gemm::Target target(Part, int row) const {
    const int pixels = out_height * out_width;
    const int n = row / sample_rows;
    const int rest = row - n * sample_rows;
    if (n >= samples || rest >= pixels) return {};
    return {.n = n, .pixel = n * pixels + rest};
  }
};

}  // namespace kintsugi::conv2d
