// SPDX-License-Identifier: MIT
//
// make: the passes one after the other, and a plan of what they decided.
#include <algorithm>
#include <unordered_map>

#include "runtime/plan/plan.h"

namespace kintsugi::plan {
namespace {

using graph::ConstantId;
using graph::Graph;
using graph::Node;
using graph::Value;

class Maker {
 public:
  Maker(Graph graph, const Options& options) : graph_(std::move(graph)), options_(options) {}

  Plan run() {
    if (options_.passes.fold && !options_.keep_all) fold(graph_);
    types(graph_, options_);  // what meets in another type is not fused
    if (options_.passes.fuse && !options_.keep_all) {
      fuse(graph_, options_);
      types(graph_, options_);
    }
    const Arranged arranged = arrange(graph_, options_);
    works_ = select(graph_, options_);
    Layout laid = layout(graph_, arranged, options_);
    regions_ = std::move(laid.regions);
    plan_.backend = options_.backend;
    plan_.dtype = storage_type(options_);
    plan_.slots = std::move(laid.slots);
    plan_.state_bytes = laid.state_bytes;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (arranged.called[i]) add_step(i);
    }
    add_ends();
    add_states(arranged);
    if (options_.passes.place) share_slots(arranged.shared.size());
    add_scratch();
    plan_.constants = std::move(graph_.constants);
    plan_.arena_bytes = place(plan_.slots, options_.passes.place);
    return std::move(plan_);
  }

 private:
  [[nodiscard]] Placed placed(Value v) const {
    return {regions_[static_cast<size_t>(v.node)][static_cast<size_t>(v.output)], graph_.shape(v)};
  }
  Slot& slot(const Placed& value) { return plan_.slots[static_cast<size_t>(value.region.slot)]; }

  int add_packed(Packed packed) {
    packed.bytes = checked_multiply(packed.elements, size_bytes(packed.dtype));
    packed.identity += std::string("|") + kintsugi::to_string(packed.dtype);
    const auto [known, is_new] =
        packed_.try_emplace(packed.identity, static_cast<int>(plan_.packed.size()));
    if (is_new) {
      plan_.packed_bytes = checked_add(plan_.packed_bytes, packed.bytes);
      plan_.packed.push_back(std::move(packed));
    }
    return known->second;
  }

  /// A channel vector, padded so that a kernel may read as much of it as of a pixel. On a GPU it is
  /// f32, whatever the storage of activations.
  int add_vector(ConstantId id) {
    const graph::Constant& constant = graph_.constant(id);
    const int64_t elements = round_up(constant.shape.elements(), granule(plan_.dtype));
    return add_packed({.constant = id,
                       .dtype = exact_type(plan_.dtype),
                       .elements = elements,
                       .identity = constant.name + "|" + std::to_string(elements)});
  }

  /// Filters in the order that the node's kernel wants them.
  int add_filters(ConstantId id, const Node& node, const Work& work) {
    const graph::Constant& constant = graph_.constant(id);
    Packed packed{.constant = id,
                  .dtype = node.dtype,
                  .elements = constant.shape.elements(),
                  .work = work,
                  .identity = constant.name};
    if (const auto packing = work.packing(target_of(options_, node.dtype))) {
      packed.by_kernel = true;
      packed.elements = packing->elements;
      packed.identity += "|" + kintsugi::to_string(node.op()->unfused()) + "|" + packing->order;
    }
    return add_packed(std::move(packed));
  }

  void add_step(size_t number) {
    const Node& node = graph_.nodes[number];
    const Work& work = works_[number];
    const auto index = static_cast<int>(plan_.steps.size());
    PlanStep step{.work = work, .dtype = node.dtype, .names = node.names};
    const auto read = [&](Value value) {
      Placed from = placed(value);
      slot(from).last = std::max(slot(from).last, index);
      return from;
    };
    const Shapes inputs = graph_.shapes(node.inputs);
    const Cost cost = node.op()->cost(inputs, size_bytes(node.dtype));
    step.flops = cost.flops;
    step.bytes = cost.bytes;
    const auto count_moments = [&](Value value, const Placed& at) {
      if (graph_.is_moments(value)) step.bytes = checked_add(step.bytes, slot(at).bytes);
    };
    for (const Value value : node.inputs) {
      step.inputs.push_back(read(value));
      count_moments(value, step.inputs.back());
    }
    for (const ConstantId id : node.weights) {
      const bool vector = is_vector(graph_.constant(id).shape);
      step.weights.push_back(vector ? add_vector(id) : add_filters(id, node, work));
    }
    for (const graph::Operand& operand : node.operands) {
      if (const auto* value = std::get_if<Value>(&operand)) {
        step.operands.emplace_back(read(*value));
      } else {
        step.operands.emplace_back(add_vector(std::get<ConstantId>(operand)));
      }
    }
    for (size_t o = 0; o < node.shapes.size(); ++o) {
      const Value value{static_cast<int32_t>(number), static_cast<int32_t>(o)};
      const Placed to = placed(value);
      slot(to).first = std::min(slot(to).first, index);
      slot(to).last = std::max(slot(to).last, index);
      count_moments(value, to);
      step.outputs.push_back(to);
    }
    plan_.flops = checked_add(plan_.flops, step.flops);
    plan_.steps.push_back(std::move(step));
  }

  /// Inputs and outputs are alive beyond a run.
  void add_ends() {
    const auto end = static_cast<int>(plan_.steps.size());
    const auto keep = [&](const graph::Port& port) {
      Placed value = placed(port.value);
      slot(value).last = end;
      return Port{port.name, value};
    };
    for (const graph::Port& port : graph_.inputs) {
      plan_.inputs.push_back(keep(port));
      slot(plan_.inputs.back().value).first = -1;
    }
    for (const graph::Port& port : graph_.outputs) plan_.outputs.push_back(keep(port));
  }

  void add_states(const Arranged& arranged) {
    int number = 0;
    for (const graph::State& state : graph_.states) {
      for (int64_t entry = 0; entry < state.entries; ++entry, ++number) {
        const Placed value{{number, 0}, arranged.shared[static_cast<size_t>(number)].shape};
        slot(value).first = -1;
        slot(value).last = static_cast<int>(plan_.steps.size());
        plan_.states.push_back({state.name, entry, value});
      }
    }
  }

  /// Whether a step may write over its input, which dies with it: both stand alone.
  [[nodiscard]] bool can_reuse_input(const PlanStep& step, int index, size_t shared) const {
    if (!step.work.op().in_place()) return false;
    const Placed& from = step.inputs[0];
    const Placed& to = step.outputs[0];
    if (static_cast<size_t>(from.region.slot) < shared ||
        static_cast<size_t>(to.region.slot) < shared || !(from.shape == to.shape)) {
      return false;
    }
    const Slot& input = plan_.slot(from);
    return input.first >= 0 && input.last == index && input.bytes == plan_.slot(to).bytes &&
           std::ranges::none_of(step.operands, [&](const Source& source) {
             const auto* value = std::get_if<Placed>(&source);
             return value != nullptr && value->region.slot == from.region.slot;
           });
  }

  /// Lets such steps work in place: the input's slot takes over the output's lifetime. `shared` are
  /// the slots of several values.
  void share_slots(size_t shared) {
    std::vector<int> stands_for(plan_.slots.size());
    for (size_t i = 0; i < stands_for.size(); ++i) stands_for[i] = static_cast<int>(i);
    const auto follow = [&](Placed& value) {
      value.region.slot = stands_for[static_cast<size_t>(value.region.slot)];
    };
    for (int i = 0; i < static_cast<int>(plan_.steps.size()); ++i) {
      PlanStep& step = plan_.steps[static_cast<size_t>(i)];
      std::ranges::for_each(step.inputs, follow);
      for (Source& source : step.operands) {
        if (auto* value = std::get_if<Placed>(&source)) follow(*value);
      }
      if (!can_reuse_input(step, i, shared)) continue;
      const int input = step.inputs[0].region.slot;
      Placed& output = step.outputs[0];
      plan_.slots[static_cast<size_t>(input)].last = slot(output).last;
      slot(output).bytes = 0;
      stands_for[static_cast<size_t>(output.region.slot)] = input;
      output.region.slot = input;
    }
    for (Port& port : plan_.outputs) follow(port.value);
  }

  /// Scratch stands behind the values' slots, in whatever room the values of its step leave.
  void add_scratch() {
    const auto end = static_cast<int>(plan_.steps.size());
    int64_t tickets = 0;
    for (int i = 0; i < end; ++i) {
      PlanStep& step = plan_.steps[static_cast<size_t>(i)];
      Shapes inputs;
      for (const Placed& value : step.inputs) inputs.push_back(value.shape);
      const Needs needs = step.work.needs(inputs, target_of(options_, step.dtype));
      tickets = std::max(tickets, needs.tickets);
      if (needs.workspace == 0) continue;
      step.workspace = static_cast<int>(plan_.slots.size());
      plan_.slots.push_back({.bytes = needs.workspace, .first = i, .last = i});
    }
    if (tickets == 0) return;
    plan_.tickets = static_cast<int>(plan_.slots.size());
    plan_.slots.push_back({.bytes = tickets, .first = -1, .last = end});
  }

  Graph graph_;
  const Options& options_;
  Plan plan_;
  std::vector<Work> works_;
  std::vector<std::vector<Region>> regions_;
  std::unordered_map<std::string, int> packed_;
};

}  // namespace

int64_t Plan::staging_bytes() const {
  int64_t bytes = 0;
  if (backend != Backend::gpu) return bytes;
  for (const auto* ports : {&inputs, &outputs}) {
    for (const Port& port : *ports) bytes = checked_add(bytes, staged_bytes(slot(port.value)));
  }
  return bytes;
}

std::string states_key(const Plan& plan) {
  std::string key;
  for (const StateEntry& entry : plan.states) {
    const Slot& slot = plan.slot(entry.value);
    key += entry.name + " " + std::to_string(entry.entry) + " " + entry.value.shape.to_string() +
           " " + kintsugi::to_string(slot.dtype) + " " + std::to_string(slot.pitch) + "\n";
  }
  return key;
}

Plan make(Graph graph, const Options& options) { return Maker(std::move(graph), options).run(); }

}  // namespace kintsugi::plan
