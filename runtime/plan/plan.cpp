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
Packed pack_weight(const Graph& graph, const Node& node, const Config& config, DType dtype) {
  const ConstantId id = node.weights[0];
  const graph::Constant& constant = graph.constant(id);
  Packed packed{.constant = id, .dtype = dtype, .op = node.op, .config = config};
  packed.elements = constant.shape.elements();
  packed.identity = constant.name;
  std::visit(
      [&](const auto& desc, const auto& choice) {
        const auto by_kernel = [&](int64_t elements, const std::string& order) {
          packed.by_kernel = true;
          packed.elements = elements;
          packed.identity += "|" + to_string(node.op) + "|" + order;
        };
        if constexpr (requires { packed_elements(desc, choice); }) {
          by_kernel(packed_elements(desc, choice), packing(desc, choice));
        } else if constexpr (requires { packed_elements(desc, choice, size_bytes(dtype)); }) {
          by_kernel(packed_elements(desc, choice, size_bytes(dtype)), packing(choice));
        }
      },
      node.op, config);
  packed.bytes = checked_multiply(packed.elements, size_bytes(dtype));
  packed.identity += std::string("|") + kintsugi::to_string(dtype);
  return packed;
}

/// A GPU's kernels read operands below a whole tensor as f32. Where activations are 16 bits, no value is.
void refuse_narrow_operands(const Node& node, DType dtype) {
  const Steps* steps = graph::steps_of(node.op);
  if (steps == nullptr || size_bytes(dtype) >= 4) return;
  size_t next = 0;
  for (const Step& step : *steps) {
    for (int i = 0; i < step.operand_count(); ++i) {
      if (step.extent != Extent::tensor && std::holds_alternative<Value>(node.operands[next])) {
        throw Error(ErrorCode::unsupported,
                    node.name() + " (" + graph::to_string(node.op) + ") has a step that reads a " +
                        kintsugi::to_string(step.extent) +
                        " value, which a GPU stores as f32 alone",
                    "take dtype f32 or tf32");
      }
      ++next;
    }
  }
}

/// A channel vector, padded so that a kernel may read as much of it as of a pixel. On a GPU it is f32,
/// whatever the storage of activations.
Packed pack_vector(const Graph& graph, ConstantId id, DType storage) {
  const graph::Constant& constant = graph.constant(id);
  const DType dtype = storage == DType::f64 ? DType::f64 : DType::f32;
  const int64_t elements = round_up(constant.shape.elements(), granule(storage));
  return {.constant = id,
          .dtype = dtype,
          .elements = elements,
          .bytes = checked_multiply(elements, size_bytes(dtype)),
          .op = {},
          .config = {},
          .identity =
              constant.name + "|" + std::to_string(elements) + "|" + kintsugi::to_string(dtype)};
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

/// What a step's kernels need beside its values.
struct Needs {
  int64_t workspace = 0;  // alive in this step, for all threads together
  int64_t tickets = 0;
};

Needs needs_of(const Plan& plan, const PlanStep& step, const Options& options) {
  return std::visit(
      [&](const auto& desc, const auto& config) -> Needs {
        const Shape& input = plan.slots[static_cast<size_t>(step.inputs[0])].shape;
        if constexpr (requires { workspace_elements(desc, config, input, options.threads); }) {
          return {.workspace = workspace_elements(desc, config, input, options.threads) *
                               size_bytes(plan.dtype)};
        } else if constexpr (requires { scratch(desc, config, Shape()); }) {
          const auto found = scratch(desc, config, input);
          return {.workspace = found.partial_bytes, .tickets = found.ticket_bytes};
        } else {
          return {};
        }
      },
      step.op, step.config);
}

/// Scratch stands behind the nodes' slots, in whatever room the values of its step leave.
void add_scratch(Plan& plan, const Options& options) {
  const auto end = static_cast<int>(plan.steps.size());
  int64_t tickets = 0;
  for (int i = 0; i < end; ++i) {
    PlanStep& step = plan.steps[static_cast<size_t>(i)];
    const Needs needs = needs_of(plan, step, options);
    tickets = std::max(tickets, needs.tickets);
    if (needs.workspace == 0) continue;
    step.workspace = static_cast<int>(plan.slots.size());
    plan.slots.push_back({.bytes = needs.workspace, .first = i, .last = i});
  }
  if (tickets == 0) return;
  plan.tickets = static_cast<int>(plan.slots.size());
  plan.slots.push_back({.bytes = tickets, .first = -1, .last = end});
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

int64_t Plan::staging_bytes() const {
  int64_t bytes = 0;
  if (backend != Backend::gpu) return bytes;
  for (const auto* ports : {&inputs, &outputs}) {
    for (const Port& port : *ports) {
      bytes = checked_add(bytes, staged_bytes(slots[static_cast<size_t>(port.slot)]));
    }
  }
  return bytes;
}

Plan make(Graph graph, const Options& options) {
  if (options.passes.fold && !options.keep_all) fold(graph);
  if (options.passes.fuse && !options.keep_all) fuse(graph);
  const std::vector<Config> configs = select(graph, options);
  const std::vector<int64_t> pitches = layout(graph, options);

  Plan plan;
  plan.backend = options.backend;
  plan.dtype = storage_type(options);
  const int64_t size = size_bytes(plan.dtype);
  // A slot for every node's output, under the node's number; steps count without the inputs.
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const auto index = static_cast<int>(plan.steps.size());
    const bool is_input = std::holds_alternative<graph::Input>(node.op);
    plan.slots.push_back({.shape = node.shape,
                          .dtype = plan.dtype,
                          .pitch = pitches[i],
                          .bytes = checked_product({node.shape.pixels(), pitches[i], size}),
                          .first = is_input ? -1 : index,
                          .last = index});
    if (is_input) continue;
    if (plan.backend == Backend::gpu) refuse_narrow_operands(node, plan.dtype);

    PlanStep step{
        .op = node.op, .config = configs[i], .output = static_cast<int>(i), .names = node.names};
    for (const Value value : graph::reads(node)) {
      plan.slots[static_cast<size_t>(value.node)].last = index;
    }
    for (const Value value : node.inputs) step.inputs.push_back(value.node);
    if (!node.weights.empty()) {
      step.weight = add_packed(plan, pack_weight(graph, node, configs[i], plan.dtype));
    }
    for (const graph::Operand& operand : node.operands) {
      if (const Value* value = std::get_if<Value>(&operand)) {
        step.operands.push_back({.is_slot = true, .index = value->node});
      } else {
        step.operands.push_back(
            {.is_slot = false,
             .index =
                 add_packed(plan, pack_vector(graph, std::get<ConstantId>(operand), plan.dtype))});
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
  add_scratch(plan, options);
  plan.constants = std::move(graph.constants);
  if (options.passes.place) share_slots(plan);
  plan.arena_bytes = place(plan.slots, options.passes.place);
  return plan;
}

}  // namespace kintsugi::plan
