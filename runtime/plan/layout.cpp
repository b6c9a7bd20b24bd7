// SPDX-License-Identifier: MIT
//
// layout: how far apart the pixels of each value stand. The tight pitch is the channels rounded up
// to the granule. Left out, the pass leaves a hole behind every pixel, which no kernel may mind.
#include "runtime/plan/plan.h"

namespace kintsugi::plan {

DType storage_type(const Options& options) {
  if (options.backend == Backend::reference_f64) return DType::f64;
  if (options.backend != Backend::gpu) return DType::f32;
  switch (options.precision) {
    case Precision::f32:
    case Precision::tf32: return DType::f32;
    case Precision::f16: return DType::f16;
    case Precision::bf16: return DType::bf16;
  }
  return DType::f32;
}

std::vector<int64_t> layout(const graph::Graph& graph, const Options& options) {
  const int64_t channels = granule(storage_type(options));
  const int64_t hole = options.passes.layout ? 0 : channels;
  std::vector<int64_t> pitches;
  pitches.reserve(graph.nodes.size());
  for (const graph::Node& node : graph.nodes) {
    pitches.push_back(checked_add(round_up(node.shape.c(), channels), hole));
  }
  return pitches;
}

}  // namespace kintsugi::plan
