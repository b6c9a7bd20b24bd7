// SPDX-License-Identifier: MIT
#include "runtime/plan/plan.h"

#include <algorithm>

#include "kernels/norm/cuda.h"
#include "kernels/reduce/cuda.h"

namespace kintsugi::plan {
namespace {

using graph::ConstantId;
using graph::Graph;
using graph::Node;
using graph::Value;

/// A node's filters in the order its kernel wants them.
Packed pack_filters(const Graph& graph, const Node& node, ConstantId id, const Config& config,
                    DType dtype) {
  const graph::Constant& constant = graph.constant(id);
  Packed packed{.constant = id, .dtype = dtype, .op = node.op, .config = config};
  packed.elements = constant.shape.elements();
  packed.identity = constant.name;
  std::visit(
      [&](const auto& desc, const auto& choice) {
        const auto by_kernel = [&](int64_t elements, const std::string& order) {
          packed.by_kernel = true;
          packed.elements = elements;
          // How it reads its input, and what else it leaves, is nothing to its filters.
          auto bare = desc;
          if constexpr (requires { bare.prologue; }) bare.prologue = {};
          if constexpr (requires { bare.moments; }) bare.moments = false;
          packed.identity += "|" + to_string(bare) + "|" + order;
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

/// Appends what the steps of a list read; `next` is the first operand of theirs.
void add_sources(Plan& plan, const Graph& graph, const Node& node, std::span<const Step> steps,
                 size_t& next, PlanStep& to) {
  for (const Step& step : steps) {
    for (int i = 0; i < step.operand_count(); ++i) {
      const graph::Operand& operand = node.operands[next++];
      const Value* value = graph::value_of(operand);
      if (value == nullptr) {
        const Packed vector = pack_vector(graph, std::get<ConstantId>(operand), plan.dtype);
        to.operands.push_back({.index = add_packed(plan, vector)});
        continue;
      }
      const Slot& slot = plan.slots[static_cast<size_t>(value->node)];
      const auto* part = std::get_if<graph::Part>(&operand);
      const int64_t row = part != nullptr ? part->index : 0;
      const bool of_samples = step.extent == Extent::sample_channel;
      to.operands.push_back(
          {.is_slot = true,
           .index = value->node,
           .offset = of_samples ? row * slot.pitch : row,
           .pitch = of_samples ? slot.shape.h() * slot.shape.w() * slot.pitch : slot.pitch});
    }
  }
}

/// What a step's kernels need beside its values.
struct Needs {
  int64_t workspace = 0;  // alive in this step, for all threads together
  int64_t tickets = 0;
};

Needs needs_of(const Plan& plan, const PlanStep& step, const Options& options) {
  if (std::holds_alternative<graph::Input>(step.op)) return {};
  const Slot& input = plan.slots[static_cast<size_t>(step.inputs[0])];
  const int64_t size = size_bytes(input.dtype);
  return std::visit(
      [&](const auto& desc, const auto& config) -> Needs {
        if constexpr (requires { scratch(desc, input.shape, size); }) {
          // Statistics and reductions: one op, whose form on a processor has needs of its own.
          if (plan.backend == Backend::gpu) return {.workspace = scratch(desc, input.shape, size)};
          if (plan.backend == Backend::cpu) {
            return {.workspace = workspace_elements(desc, input.shape) * size};
          }
          return {};
        } else if constexpr (requires {
                               workspace_elements(desc, config, input.shape, options.threads);
                             }) {
          return {.workspace =
                      workspace_elements(desc, config, input.shape, options.threads) * size};
        } else if constexpr (requires { scratch(desc, config, Shape()); }) {
          const auto found = scratch(desc, config, input.shape);
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

/// Moments that a step leaves live until the last norm that gathers them. What they move is added here:
/// an op does not know its tiles before it is configured.
void add_moments(Plan& plan) {
  const auto end = static_cast<int>(plan.steps.size());
  for (int i = 0; i < end; ++i) {
    PlanStep& step = plan.steps[static_cast<size_t>(i)];
    const Slot& output = plan.slots[static_cast<size_t>(step.output)];
    const int64_t tiles = std::visit(
        [&](const auto& desc, const auto& config) -> int64_t {
          if constexpr (requires { moment_tiles(desc, config, Shape()); }) {
            const Slot& input = plan.slots[static_cast<size_t>(step.inputs[0])];
            return desc.moments ? moment_tiles(desc, config, input.shape) : 0;
          } else {
            return 0;
          }
        },
        step.op, step.config);
    if (tiles == 0) continue;
    const int64_t channels = round_up(output.shape.c(), granule(plan.dtype));
    const Shape shape{output.shape.n(), tiles, 1, MomentsView<float>::record_elements(channels)};
    Slot slot{.shape = shape,
              .bytes = checked_multiply(shape.elements(), size_bytes(DType::f32)),
              .first = i,
              .last = i};
    step.moments = static_cast<int>(plan.slots.size());
    step.bytes = checked_add(step.bytes, slot.bytes);
    for (int reader = i + 1; reader < end; ++reader) {
      PlanStep& gathers = plan.steps[static_cast<size_t>(reader)];
      const auto* desc = std::get_if<norm::Desc>(&gathers.op);
      if (desc == nullptr || !desc->from_moments || gathers.inputs[0] != step.output) continue;
      gathers.moments = step.moments;
      gathers.bytes = checked_add(gathers.bytes, slot.bytes);
      slot.last = reader;
    }
    plan.slots.push_back(slot);
  }
}

/// An elementwise step may write over an input that dies with it.
bool can_reuse_input(const Plan& plan, const PlanStep& step, int index) {
  if (!std::holds_alternative<elementwise::Desc>(step.op)) return false;
  const Slot& input = plan.slots[static_cast<size_t>(step.inputs[0])];
  const Slot& output = plan.slots[static_cast<size_t>(step.output)];
  return input.first >= 0 && input.last == index && input.shape == output.shape &&
         input.bytes == output.bytes &&
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
  if (options.passes.fuse && !options.keep_all) fuse(graph, options);
  const std::vector<Config> configs = select(graph, options);
  const std::vector<int64_t> pitches = layout(graph, options);
  const std::vector<DType> dtypes = types(graph, options);

  Plan plan;
  plan.backend = options.backend;
  plan.dtype = storage_type(options);
  // A slot for every node's output, under the node's number; steps count without the inputs.
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const auto index = static_cast<int>(plan.steps.size());
    const bool is_input = std::holds_alternative<graph::Input>(node.op);
    plan.slots.push_back(
        {.shape = node.shape,
         .dtype = dtypes[i],
         .pitch = pitches[i],
         .bytes = checked_product({node.shape.pixels(), pitches[i], size_bytes(dtypes[i])}),
         .first = is_input ? -1 : index,
         .last = index});
    if (is_input) continue;

    PlanStep step{
        .op = node.op, .config = configs[i], .output = static_cast<int>(i), .names = node.names};
    for (const Value value : graph::reads(node)) {
      plan.slots[static_cast<size_t>(value.node)].last = index;
    }
    for (const Value value : node.inputs) step.inputs.push_back(value.node);
    for (const ConstantId id : node.weights) {
      const bool vector = graph.constant(id).shape.rank() == 1;
      step.weights.push_back(
          add_packed(plan, vector ? pack_vector(graph, id, plan.dtype)
                                  : pack_filters(graph, node, id, configs[i], plan.dtype)));
    }
    size_t next = 0;
    const Prologue* before = graph::prologue_of(node.op);
    const Steps* behind = graph::steps_of(node.op);
    if (before != nullptr) add_sources(plan, graph, node, before->steps, next, step);
    if (behind != nullptr) add_sources(plan, graph, node, *behind, next, step);
    step.flops = flops(graph, node);
    const int64_t size = size_bytes(dtypes[static_cast<size_t>(node.inputs[0].node)]);
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
  add_moments(plan);
  add_scratch(plan, options);
  plan.constants = std::move(graph.constants);
  if (options.passes.place) share_slots(plan);
  plan.arena_bytes = place(plan.slots, options.passes.place);
  return plan;
}

}  // namespace kintsugi::plan
