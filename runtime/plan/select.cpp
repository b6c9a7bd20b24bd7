// SPDX-License-Identifier: MIT
//
// select: which kernel configuration runs a node. The choice itself is the op's (policy.cpp beside
// its kernels); it sees one picture, never the batch, the thread count or free memory. Who has too
// little memory for a form of convolution asks for a plan without it.
#include "runtime/plan/plan.h"

namespace kintsugi::plan {
namespace {

template <class Desc>
concept Configurable = requires(const Desc& desc, const Shape& input) {
  choose(desc, input, simd::Isa::emu128);
};

}  // namespace

std::vector<Config> select(const graph::Graph& graph, const Options& options) {
  std::vector<Config> configs(graph.nodes.size());
  if (options.backend != Backend::cpu) return configs;
  // Left out, the pass takes the plainest instruction set and the plainest configuration.
  const simd::Isa isa = options.passes.select ? options.isa : simd::available().front();
  const bool winograd = options.passes.winograd;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const graph::Node& node = graph.nodes[i];
    std::visit(
        [&](const auto& desc) {
          if constexpr (Configurable<std::decay_t<decltype(desc)>>) {
            Shape picture = graph.node(node.inputs[0]).shape;
            picture = {1, picture.c(), picture.h(), picture.w()};
            if (!options.passes.select) {
              configs[i] = decltype(choose(desc, picture, isa)){.isa = isa};
            } else if constexpr (requires { choose(desc, picture, isa, winograd); }) {
              configs[i] = choose(desc, picture, isa, winograd);
            } else {
              configs[i] = choose(desc, picture, isa);
            }
          } else if constexpr (std::is_same_v<std::decay_t<decltype(desc)>, elementwise::Desc>) {
            configs[i] = isa;
          }
        },
        node.op);
  }
  return configs;
}

}  // namespace kintsugi::plan
