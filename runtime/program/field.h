// SPDX-License-Identifier: MIT
//
// Field is the receptive field of a graph: how far from an output pixel an input pixel can be and still
// change it. It tells how an image can be cut into parts that a network mends one by one with the result
// of the whole image: to the bit by the reference; kernels that are chosen by the extent, or that compute
// pixels in tiles, round otherwise. It follows from what each op answers to `reach`
// (kernels/contract/op.h), and nothing is run for it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/core/shape.h"
#include "runtime/graph/graph.h"

namespace kintsugi::program {

/// Distances are in input pixels, from those that the output pixel stands on; of output pixels that stand
/// on the image, where paddings make others too.
struct Field {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  /// The network does the same on a cut whose origin is a multiple of it: what strided layers make of
  /// the input's pixels.
  Pair stride = 1;
  /// Output pixels for `stride` input pixels: the same number where the network keeps the extent, four
  /// times as many for a network that enlarges by four.
  Pair output_stride = 1;

  friend bool operator==(const Field&, const Field&) = default;
};

/// The field of `output` in `inputs`, which are images of one extent that are cut alike. Other inputs count
/// nothing. Without a value where the output
///   - reads the whole image: a norm over pixels, a global pooling, a fully connected layer;
///   - reads a state, or random numbers, which belong to their place in the image;
///   - joins branches of different scales, or a resample by no whole factor;
///   - does not depend on the inputs.
/// The graph is one as recorded, before fusion, and a resample to a size is taken for the factor that it
/// is here: for another extent record the graph again.
[[nodiscard]] std::optional<Field> field(const graph::Graph& graph,
                                         const std::vector<graph::Value>& inputs,
                                         graph::Value output);
[[nodiscard]] inline std::optional<Field> field(const graph::Graph& graph, graph::Value input,
                                                graph::Value output) {
  return field(graph, std::vector<graph::Value>{input}, output);
}

}  // namespace kintsugi::program
