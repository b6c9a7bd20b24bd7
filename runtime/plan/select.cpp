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

/// Ops whose kernels on a processor have nothing to choose but the instruction set.
template <class Desc>
constexpr bool kHasVectorKernel =
    std::is_same_v<Desc, elementwise::Desc> || std::is_same_v<Desc, norm::Desc> ||
    std::is_same_v<Desc, layer_norm::Desc> || std::is_same_v<Desc, resample::Desc> ||
    std::is_same_v<Desc, pool::Desc> || std::is_same_v<Desc, reduce::Desc>;

/// The shape of a node's input, one sample of it.
Shape one_picture(const graph::Graph& graph, const graph::Node& node) {
  const Shape& shape = graph.node(node.inputs[0]).shape;
  return {1, shape.c(), shape.h(), shape.w()};
}

/// A GPU's: choose_cuda's, or with select left out the plainest of the same kind, the depth whole.
std::vector<Config> select_gpu(const graph::Graph& graph, const Options& options) {
  const auto math = options.precision == Precision::tf32 ? implicit_gemm::FloatMath::tf32
                                                         : implicit_gemm::FloatMath::exact;
  const int64_t size = size_bytes(storage_type(options));
  std::vector<Config> configs(graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const graph::Node& node = graph.nodes[i];
    std::visit(
        [&](const auto& desc) {
          if constexpr (std::is_same_v<std::decay_t<decltype(desc)>, layer_norm::Desc>) {
            configs[i] = layer_norm::choose_cuda(one_picture(graph, node), size);
          } else if constexpr (requires { choose_cuda(desc, Shape(), size, math, options.gpu); }) {
            auto config = choose_cuda(desc, one_picture(graph, node), size, math, options.gpu);
            if (!options.passes.select) config.splits = 1;
            configs[i] = config;
          }
        },
        node.op);
  }
  return configs;
}

}  // namespace

std::vector<Config> select(const graph::Graph& graph, const Options& options) {
  if (options.backend == Backend::gpu) return select_gpu(graph, options);
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
            const Shape picture = one_picture(graph, node);
            if (!options.passes.select) {
              configs[i] = decltype(choose(desc, picture, isa)){.isa = isa};
            } else if constexpr (requires { choose(desc, picture, isa, winograd); }) {
              configs[i] = choose(desc, picture, isa, winograd);
            } else {
              configs[i] = choose(desc, picture, isa);
            }
          } else if constexpr (kHasVectorKernel<std::decay_t<decltype(desc)>>) {
            configs[i] = isa;
          }
        },
        node.op);
  }
  return configs;
}

}  // namespace kintsugi::plan
