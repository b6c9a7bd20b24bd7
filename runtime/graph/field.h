// SPDX-License-Identifier: MIT
//
// The receptive field of an output follows from the windows of the ops between it and the input
// (kernels/contract: reach). It is what a cut of an image needs around the part that is taken.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/graph/graph.h"

namespace kintsugi::graph {

/// Pixels of an input that can change an output pixel, counted from the input pixel it stands on.
struct Field {
  int64_t above = 0, left = 0, below = 0, right = 0;
  /// Multiple of input pixels by which an image can be shifted so that every layer's pixels are the same.
  int64_t stride = 1;
  friend bool operator==(const Field&, const Field&) = default;
};

/// nullopt where all of the input can change a pixel: through a norm of the image, a mean, attention or a
/// state; and where an output pixel covers several input pixels. Throws Error::internal for a value that is
/// not in the graph.
[[nodiscard]] std::optional<Field> field(const Graph& graph, Value input, Value output);

}  // namespace kintsugi::graph
