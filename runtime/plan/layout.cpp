// SPDX-License-Identifier: MIT
//
// layout: how far apart the pixels of each value stand. The tight pitch is the channels rounded up
// to the granule. Left out, the pass leaves a hole behind every pixel, which no kernel may mind.
#include "runtime/plan/plan.h"

namespace kintsugi::plan {

std::vector<int64_t> layout(const graph::Graph& graph, const Options& options) {
  const int64_t hole = options.passes.layout ? 0 : kChannelGranule;
  std::vector<int64_t> pitches;
  pitches.reserve(graph.nodes.size());
  for (const graph::Node& node : graph.nodes) {
    pitches.push_back(storage_channels(node.shape.c()) + hole);
  }
  return pitches;
}

}  // namespace kintsugi::plan
