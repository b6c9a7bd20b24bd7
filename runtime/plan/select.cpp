// SPDX-License-Identifier: MIT
//
// select: which kernel configuration runs a node. The choice itself is the op's (policy.cpp beside
// its kernels); it sees one batch item, never the batch, the thread count or free memory. Callers short
// of memory name the convolutions that are to take their direct form.
#include "kernels/contract/ops.h"
#include "runtime/plan/plan.h"

namespace kintsugi::plan {

std::vector<Work> select(graph::Graph& graph, const Options& options) {
  std::vector<Work> all(graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    graph::Node& node = graph.nodes[i];
    if (node.op() == nullptr) continue;
    if (options.backend == Backend::gpu && !has_cuda(node.op()->table())) {
      throw Error(ErrorCode::unsupported,
                  node.name() + " (" + graph::to_string(node) + ") has no CUDA kernel",
                  "take the device cpu");
    }
    const Shapes inputs = graph.shapes(node.inputs);
    Shapes item;
    for (const Shape& s : inputs) item.push_back({1, s.c(), s.h(), s.w()});
    all[i] = Work(*node.op(), item, target_of(options, node.dtype, graph, node));
    for (size_t o = 0; o < node.shapes.size(); ++o) {
      if (node.op()->makes(static_cast<int>(o)) != Stored::moments) continue;
      node.shapes[o] = moments_shape(node.shapes[0].n(), all[i].moment_tiles(inputs),
                                     round_up(node.shapes[0].c(), granule(node.dtype)));
    }
  }
  return all;
}

}  // namespace kintsugi::plan
