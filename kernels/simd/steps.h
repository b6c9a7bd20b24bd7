// SPDX-License-Identifier: MIT
//
// A step list bound to its operands, as the kernels of every instruction set read it, and the tile
// it is applied to. Plain data: see targets.h. steps-inl.h holds the arithmetic.
#pragma once

#include <cstdint>

#include "kernels/core/steps.h"

namespace kintsugi::simd {

/// An Operand of f32.
struct FloatOperand {
  const float* data = nullptr;
  int64_t pitch = 0;
};

struct BoundStep {
  Step::Kind kind = Step::Kind::add;
  Extent extent = Extent::scalar;
  Function function = Function::identity;
  Function gate = Function::identity;
  float a = 0, b = 0;           // when the extent is scalar
  FloatOperand factor, addend;  // else; `factor` alone unless the kind is affine
};

struct BoundSteps {
  BoundStep items[Steps::kMaxSteps];
  int count = 0;
  int gate = -1;  // which of them it is; -1 without one
};

/// Throws Error::internal when the operands are not as many as the steps read.
[[nodiscard]] BoundSteps bind(const Steps& steps, Operands operands);

/// Some pixels of an output row by some of its channels, in scratch memory.
struct StepTile {
  float* values = nullptr;  // [pixels][width], aligned to a vector
  int64_t pixels = 0;
  int64_t width = 0;  // channels held, a multiple of the vector
  int64_t n = 0;
  int64_t k0 = 0;          // channel of the first value
  int64_t channels = 0;    // of the whole picture the steps work on
  int64_t pixel = 0;       // index of the first pixel among all of the output, (n*h + y)*w + x
  int64_t pixel_step = 1;  // from one pixel of the tile to the next
};

}  // namespace kintsugi::simd
