// SPDX-License-Identifier: MIT
#include "runtime/plan/plan.h"

#include <algorithm>

namespace kintsugi::plan {
namespace {

using graph::ConstantId;
using graph::Graph;
using graph::Node;
using graph::Value;

/// A node's weight in the order its kernel wants it.
Packed pack_weight(const Graph& graph, const Node& node, const Config& config, Backend backend) {
  const ConstantId id = node.weights[0];
  const graph::Constant& constant = graph.constant(id);
  Packed packed{.constant = id, .op = node.op, .config = config};
  packed.elements = constant.shape.elements();
  packed.identity = constant.name;
  std::visit(
      [&](const auto& desc, const auto& choice) {
        if constexpr (requires { packed_elements(desc, choice); }) {
          packed.by_kernel = true;
          packed.elements = packed_elements(desc, choice);
          packed.identity += "|" + to_string(node.op) + "|" + packing(choice);
        }
      },
      node.op, config);
  packed.bytes = checked_multiply(packed.elements, element_bytes(backend));
  return packed;
}

/// A channel vector, padded so that a kernel may read whole granules.
Packed pack_vector(const Graph& graph, ConstantId id, Backend backend) {
  const graph::Constant& constant = graph.constant(id);
  const int64_t elements = storage_channels(constant.shape.elements());
  return {.constant = id,
          .elements = elements,
          .bytes = elements * element_bytes(backend),
          .op = {},
          .config = {},
          .identity = constant.name};
}

int add_packed(Plan& plan, Packed packed) {
  const auto same = std::ranges::find(plan.packed, packed.identity, &Packed::identity);
  const auto index = static_cast<int>(same - plan.packed.begin());
  if (same == plan.packed.end()) {
    plan.packed_bytes = checked_add(plan.packed_bytes, packed.bytes);
    plan.packed.push_back(std::move(packed));
  }
  return index;
}

/// Scratch that a step's kernels need, for all threads together.
int64_t workspace_bytes(const PlanStep& step, const Options& options) {
  return std::visit(
      [&](const auto& desc, const auto& config) -> int64_t {
        if constexpr (requires { workspace_elements(desc, config, options.threads); }) {
          return workspace_elements(desc, config, options.threads) * element_bytes(options.backend);
        } else {
          return 0;
        }
      },
      step.op, step.config);
}

/// An elementwise step may write over an input that dies with it.
bool can_reuse_input(const Plan& plan, const PlanStep& step, int index) {
  if (!std::holds_alternative<elementwise::Desc>(step.op)) return false;
  const Slot& input = plan.slots[static_cast<size_t>(step.inputs[0])];
  const Slot& output = plan.slots[static_cast<size_t>(step.output)];
  return input.first >= 0 && input.last == index && input.bytes == output.bytes &&
         std::ranges::none_of(step.operands, [&](const Source& source) {
           return source.is_slot && source.index == step.inputs[0];
         });
}

/// Lets such steps work in place: the input's slot takes over the output's lifetime.
void share_slots(Plan& plan) {
  std::vector<int> stands_for(plan.slots.size());
  for (size_t i = 0; i < stands_for.size(); ++i) stands_for[i] = static_cast<int>(i);
  const auto follow = [&](int& slot) { slot = stands_for[static_cast<size_t>(slot)]; };
  for (int i = 0; i < static_cast<int>(plan.steps.size()); ++i) {
    PlanStep& step = plan.steps[static_cast<size_t>(i)];
    for (int& slot : step.inputs) follow(slot);
    for (Source& source : step.operands) {
      if (source.is_slot) follow(source.index);
    }
    if (!can_reuse_input(plan, step, i)) continue;
    Slot& input = plan.slots[static_cast<size_t>(step.inputs[0])];
    input.last = plan.slots[static_cast<size_t>(step.output)].last;
    plan.slots[static_cast<size_t>(step.output)].bytes = 0;
    stands_for[static_cast<size_t>(step.output)] = step.inputs[0];
    step.output = step.inputs[0];
  }
  for (Port& port : plan.outputs) follow(port.slot);
}

}  // namespace

Plan make(Graph graph, const Options& options) {
  if (options.passes.fold && !options.keep_all) fold(graph);
  if (options.passes.fuse && !options.keep_all) fuse(graph);
  const std::vector<Config> configs = select(graph, options);
  const std::vector<int64_t> pitches = layout(graph, options);

  Plan plan;
  plan.backend = options.backend;
  const int64_t size = element_bytes(options.backend);
  // A slot for every node's output, under the node's number; steps count without the inputs.
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const auto index = static_cast<int>(plan.steps.size());
    const bool is_input = std::holds_alternative<graph::Input>(node.op);
    plan.slots.push_back({.shape = node.shape,
                          .pitch = pitches[i],
                          .bytes = checked_product({node.shape.pixels(), pitches[i], size}),
                          .first = is_input ? -1 : index,
                          .last = index});
    if (is_input) continue;

    PlanStep step{
        .op = node.op, .config = configs[i], .output = static_cast<int>(i), .names = node.names};
    for (const Value value : graph::reads(node)) {
      plan.slots[static_cast<size_t>(value.node)].last = index;
    }
    for (const Value value : node.inputs) step.inputs.push_back(value.node);
    if (!node.weights.empty()) {
      step.weight = add_packed(plan, pack_weight(graph, node, configs[i], options.backend));
    }
    for (const graph::Operand& operand : node.operands) {
      if (const Value* value = std::get_if<Value>(&operand)) {
        step.operands.push_back({.is_slot = true, .index = value->node});
      } else {
        step.operands.push_back(
            {.is_slot = false,
             .index = add_packed(
                 plan, pack_vector(graph, std::get<ConstantId>(operand), options.backend))});
      }
    }
    step.flops = flops(graph, node);
    step.bytes = bytes(graph, node, size);
    plan.flops = checked_add(plan.flops, step.flops);
    plan.steps.push_back(std::move(step));
  }

  const auto end = static_cast<int>(plan.steps.size());
  for (const graph::Port& port : graph.inputs) {
    plan.slots[static_cast<size_t>(port.value.node)].last = end;
    plan.inputs.push_back({port.name, port.value.node});
  }
  for (const graph::Port& port : graph.outputs) {
    plan.slots[static_cast<size_t>(port.value.node)].last = end;
    plan.outputs.push_back({port.name, port.value.node});
  }
  // Scratch stands behind the nodes' slots, in whatever room the values of its step leave.
  for (int i = 0; i < end; ++i) {
    PlanStep& step = plan.steps[static_cast<size_t>(i)];
    const int64_t bytes = workspace_bytes(step, options);
    if (bytes == 0) continue;
    step.workspace = static_cast<int>(plan.slots.size());
    plan.slots.push_back({.bytes = bytes, .first = i, .last = i});
  }
  plan.constants = std::move(graph.constants);
  if (options.passes.place) share_slots(plan);
  plan.arena_bytes = place(plan.slots, options.passes.place);
  return plan;
}

}  // namespace kintsugi::plan
