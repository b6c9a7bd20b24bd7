// SPDX-License-Identifier: MIT
//
// The transforms of Winograd's convolution: the contract between its scheduler (winograd.cpp,
// ordinary C++) and the code compiled once per instruction set (winograd_transform.cpp). Plain
// data: see targets.h. Nobody else includes this.
#pragma once

#include <cstdint>

#include "kernels/simd/isa.h"
#include "kernels/simd/steps.h"

namespace kintsugi::simd {

/// A patch of 6x6 pixels on its way to the products.
struct WinogradPatch {
  const float* const* pixels = nullptr;  // [36]
  const int64_t* indices = nullptr;      // [36] among all of the input, -1 outside it: zeros
  const BoundSteps* steps = nullptr;     // of the prologue
  int64_t n = 0;
  int64_t channels = 0;
  float* out = nullptr;  // [36] points, the channels of one `step` elements behind the one before;
  int64_t step = 0;      // whole vectors are written
};

/// B' steps(x) B for all channels.
using WinogradTransform = void(const WinogradPatch&);

/// A tile's products on their way to the output.
struct WinogradOutput {
  const float* product = nullptr;  // [36] rows of channels, `product_step` apart
  int64_t product_step = 0;
  int64_t rows = 0, columns = 0;  // of the tile, 1 to 4: as many as the image has
  const BoundSteps* steps = nullptr;
  StepTile place;           // its first row; `values`, `width`, `k0` and `pixels` are the kernel's
  float* output = nullptr;  // channel 0 of the first pixel
  int64_t row_step = 0, column_step = 0;  // elements from one output to the next
  int64_t to_next = 0;                    // elements to the tile that is written next: prefetched
  int64_t row_pixels = 0;                 // pixels of the image from one row to the next
};

/// A' m A, the steps and the store.
using WinogradFinish = void(const WinogradOutput&);

[[nodiscard]] WinogradTransform* winograd_transform(Isa isa);
[[nodiscard]] WinogradFinish* winograd_finish(Isa isa);

}  // namespace kintsugi::simd
