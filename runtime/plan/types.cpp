// SPDX-License-Identifier: MIT
//
// types: how each value is stored. Large activations take the storage type of the plan. A value is
// exact, f32 whatever that type, where it is a mask, a ratio or a statistic: an input recorded so, what
// norm and partial_mask compute, and whatever is computed from exact values alone, element by element or
// by an op that moves and gathers them. What a kernel would read as wider or narrower than it is, is refused here.
#include "runtime/plan/plan.h"

namespace kintsugi::plan {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

template <class Desc>
constexpr bool kComputesExact =
    std::is_same_v<Desc, norm::Desc> || std::is_same_v<Desc, partial_mask::Desc>;
template <class Desc>
constexpr bool kKeepsExact =
    std::is_same_v<Desc, elementwise::Desc> || std::is_same_v<Desc, pad::Desc> ||
    std::is_same_v<Desc, resample::Desc> || std::is_same_v<Desc, pool::Desc> ||
    std::is_same_v<Desc, reduce::Desc>;

/// `types` holds those of the nodes before.
DType type_of(const Node& node, const std::vector<DType>& types, DType storage) {
  const auto is_f32 = [&](Value value) {
    return types[static_cast<size_t>(value.node)] == DType::f32;
  };
  return std::visit(
      [&]<class Desc>(const Desc& desc) {
        if constexpr (std::is_same_v<Desc, graph::Input>) {
          return desc.exact ? DType::f32 : storage;
        } else if constexpr (kComputesExact<Desc>) {
          return DType::f32;
        } else if constexpr (kKeepsExact<Desc>) {
          return std::ranges::all_of(graph::reads(node), is_f32) ? DType::f32 : storage;
        } else {
          return storage;
        }
      },
      node.op);
}

[[noreturn]] void refuse(const Graph& graph, const Node& node, Value read, DType found,
                         const char* wanted) {
  throw Error(ErrorCode::unsupported,
              node.name() + " (" + graph::to_string(node.op) + ") reads " +
                  graph.node(read).name() + ", which this plan stores as " +
                  kintsugi::to_string(found) + ", as " + wanted,
              "take dtype f32 or tf32");
}

/// Every input has the type the node's kernel takes it for.
void check_inputs(const Graph& graph, const Node& node, const std::vector<DType>& types,
                  DType own) {
  for (const Value value : node.inputs) {
    const DType found = types[static_cast<size_t>(value.node)];
    if (std::holds_alternative<partial_mask::Desc>(node.op)) {
      if (found != DType::f32) refuse(graph, node, value, found, "an exact mask");
    } else if (found != own && !std::holds_alternative<norm::Desc>(node.op)) {
      refuse(graph, node, value, found, kintsugi::to_string(own));
    }
  }
}

/// Operands below a whole tensor are read as f32, a tensor as what the node stores.
void check_operands(const Graph& graph, const Node& node, std::span<const Step> steps,
                    const std::vector<DType>& types, DType own, size_t& next) {
  for (const Step& step : steps) {
    for (int i = 0; i < step.operand_count(); ++i) {
      const Value* value = graph::value_of(node.operands[next++]);
      if (value == nullptr) continue;
      const DType wanted = step.extent == Extent::tensor ? own : DType::f32;
      const DType found = types[static_cast<size_t>(value->node)];
      if (found != wanted) {
        refuse(graph, node, *value, found,
               wanted == own ? kintsugi::to_string(own) : "an exact operand");
      }
    }
  }
}

}  // namespace

std::vector<DType> types(const Graph& graph, const Options& options) {
  const DType storage = storage_type(options);
  std::vector<DType> types;
  types.reserve(graph.nodes.size());
  for (const Node& node : graph.nodes) {
    const bool one_type = size_bytes(storage) >= 4;  // exact values are stored like all others
    const DType own = one_type ? storage : type_of(node, types, storage);
    if (!one_type && !std::holds_alternative<graph::Input>(node.op)) {
      check_inputs(graph, node, types, own);
      size_t next = 0;
      const Prologue* before = graph::prologue_of(node.op);
      const Steps* behind = graph::steps_of(node.op);
      if (before != nullptr) {
        check_operands(graph, node, before->steps, types, own, next);
      }
      if (behind != nullptr) check_operands(graph, node, *behind, types, own, next);
    }
    types.push_back(own);
  }
  return types;
}

}  // namespace kintsugi::plan
