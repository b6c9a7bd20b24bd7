// SPDX-License-Identifier: MIT
//
// Which rows and taps the matrix product of a transposed convolution has. Its parts are the phases
// (phases.h): the rows of one are output pixels stride apart, and have only the taps that meet them.
#pragma once

#include "kernels/conv_transpose2d/phases.h"
#include "kernels/implicit_gemm/image_rows.cuh"

namespace kintsugi::conv_transpose2d {

struct PhaseGeometry {
  static constexpr int kWidestChanged = conv_transpose2d::kWidestChanged;
  struct Part {
    int phase_h = 0, phase_w = 0;
    PhaseTaps h, w;
  };

  implicit_gemm::Input input;
  implicit_gemm::Output output;
  int weight_chunks = 1;
  int samples = 1;
  /// From an image to the next, in all phases; 0: as many as a phase has pixels.
  int sample_rows = 0;
  Axis h, w;

  /// Phases innermost: blocks that run together read the same pixels.
  KIN_DEVICE Part part_of(int number) const {
    const int phase = number % (phases(h) * phases(w));
    Part part{.phase_h = phase / phases(w), .phase_w = phase % phases(w), .h = {}, .w = {}};
    part.h = taps_of(h, part.phase_h);
    part.w = taps_of(w, part.phase_w);
    return part;
  }
  KIN_DEVICE int block_of_part(int number) const { return number / (phases(h) * phases(w)); }

  KIN_DEVICE implicit_gemm::Taps taps(const Part& part) const {
    if (part.h.count == 0 || part.w.count == 0) return {0, 1};
    return {part.h.count, part.w.count};
  }

  /// Row number `row` of a phase, as a place among its pixels.
  struct Place {
    int n, y, x;
    int left;  // pixels of its image, from it on; none where it is no pixel
  };
  KIN_DEVICE Place place(const Part& part, int row) const {
    const int width = outputs(w, part.phase_w);
    const int pixels = outputs(h, part.phase_h) * width;
    const int apart = sample_rows > 0 ? sample_rows : pixels;
    const int n = row / apart;
    const int rest = row - n * apart;
    const int y = rest / width;
    return {n, y, rest - y * width, n < samples ? pixels - rest : 0};
  }
  KIN_DEVICE int pixels_left(const Part& part, int row) const { return place(part, row).left; }

  KIN_DEVICE implicit_gemm::Window window(const Part& part, int row) const {
    const Place at = place(part, row);
    if (at.left <= 0) return {};
    return {.n = at.n, .y = at.y + part.h.source, .x = at.x + part.w.source};
  }

  KIN_DEVICE int weight_chunk(const Part& part, implicit_gemm::Depth depth) const {
    const int r = part.h.first + depth.r * h.apart;
    const int s = part.w.first + depth.s * w.apart;
    return (r * w.kernel + s) * input.chunks + depth.chunk;
  }

  KIN_DEVICE implicit_gemm::Target target(const Part& part, int row) const {
    const Place at = place(part, row);
    if (at.left <= 0) return {};
    const int y = at.n * h.extent + at.y * h.stride + part.phase_h;
    return {.n = at.n, .pixel = y * w.extent + at.x * w.stride + part.phase_w};
  }
};

}  // namespace kintsugi::conv_transpose2d
