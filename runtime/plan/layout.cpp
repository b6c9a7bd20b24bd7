// SPDX-License-Identifier: MIT
//
// layout: a slot for every value, and how far apart its pixels stand. The tight pitch is the channels
// rounded up to the granule of the plan's storage type, since kernels read operands in its groups.
// Left out, the pass leaves a gap behind every pixel, which no kernel may mind. Records of moments and
// samples of images stand without gaps.
#include "runtime/plan/plan.h"

namespace kintsugi::plan {

Layout layout(const graph::Graph& graph, const Arranged& arranged, const Options& options) {
  const int64_t channels = granule(storage_type(options));
  const int64_t gap = options.passes.layout ? 0 : channels;
  Layout out{.regions = arranged.regions};
  const auto add = [&](const Shape& shape, DType dtype, int64_t pitch) {
    out.slots.push_back({.dtype = dtype,
                         .pitch = pitch,
                         .bytes = checked_product({shape.pixels(), pitch, size_bytes(dtype)}),
                         .first = static_cast<int>(graph.nodes.size()),
                         .last = -1});
    return static_cast<int>(out.slots.size()) - 1;
  };
  const auto pitch_of = [&](const Shape& shape) {
    return checked_add(round_up(shape.c(), channels), gap);
  };
  for (const Arranged::Shared& shared : arranged.shared) {
    Slot& slot =
        out.slots[static_cast<size_t>(add(shared.shape, shared.dtype, pitch_of(shared.shape)))];
    if (!shared.state) continue;
    slot.state = true;
    slot.offset = out.state_bytes;
    out.state_bytes = checked_add(out.state_bytes, round_up(slot.bytes, 64));
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const graph::Node& node = graph.nodes[i];
    for (size_t o = 0; o < node.shapes.size(); ++o) {
      Region& region = out.regions[i][o];
      if (region.slot >= 0) continue;
      const graph::Value value{static_cast<int32_t>(i), static_cast<int32_t>(o)};
      const bool dense = graph.is_moments(value) || is_samples(node.types[o]);
      const Shape& shape = node.shapes[o];
      region.slot = add(shape, node.types[o], dense ? shape.c() : pitch_of(shape));
    }
  }
  return out;
}

}  // namespace kintsugi::plan
