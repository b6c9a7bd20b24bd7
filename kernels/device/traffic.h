// SPDX-License-Identifier: MIT
//
// What a launch moves between the multiprocessors and global memory, caches included, to the byte: an
// op's contract states it, the emulator counts it, and a test holds one against the other.
#pragma once

#include <cstdint>

#include "kernels/core/steps.h"

namespace kintsugi::device {

struct Traffic {
  int64_t read = 0;
  int64_t written = 0;
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

/// An image that is read or written once, in whole groups of 16 bytes a pixel.
[[nodiscard]] inline int64_t group_bytes(const Shape& image, int64_t element_bytes) {
  return checked_multiply(image.pixels(),
                          round_up(checked_multiply(image.c(), element_bytes), int64_t{16}));
}

/// What the operands of a step add where it is applied once to each of `groups` groups (steps.cuh).
[[nodiscard]] inline int64_t operand_bytes(const Step& step, int64_t groups,
                                           int64_t element_bytes) {
  // Vectors are f32; a pixel's number is read once for each group.
  const int64_t each = step.extent == Extent::tensor  ? 16
                       : step.extent == Extent::pixel ? 4
                                                      : 64 / element_bytes;
  return checked_product({step.operand_count(), groups, each});
}
/// Likewise of a whole list, applied once to each group of `output`.
[[nodiscard]] inline int64_t operand_bytes(const Steps& steps, const Shape& output,
                                           int64_t element_bytes) {
  const int64_t per_group = 16 / element_bytes;
  const int64_t groups = checked_multiply(output.pixels(), divide_up(output.c(), per_group));
  int64_t bytes = 0;
  for (int i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    bytes = checked_add(bytes, operand_bytes(step, groups, element_bytes));
    if (i >= steps.gate()) continue;
    // Before a gate once more, for the gates: one by one where they begin within a group.
    if (output.c() % per_group == 0 || step.extent == Extent::pixel) {
      bytes = checked_add(bytes, operand_bytes(step, groups, element_bytes));
    } else {
      const int64_t each = step.extent == Extent::tensor ? element_bytes : 4;
      bytes = checked_add(bytes, checked_product({step.operand_count(), output.elements(), each}));
    }
  }
  return bytes;
}

}  // namespace kintsugi::device
