// SPDX-License-Identifier: MIT
//
// fuse: three rules and no patterns. Forward: an elementwise node that is the only reader of its
// producer becomes the tail of the producer's epilogue. Backward: what stands before convolutions and
// nothing else moves into how they read: a pad, an enlargement by two, and, where there is one
// convolution, steps. Sideways: a norm's statistics ride on the convolution whose output they are of: it
// leaves their moments as it stores, and the norm does not read the picture again. What a contract does
// not accept stays a node of its own.
#include <algorithm>
#include <utility>

#include "runtime/plan/plan.h"

namespace kintsugi::plan {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

/// Appends all of the steps to what the op does behind its sums, or none and returns false.
bool append(graph::Op& op, const Steps& steps) {
  graph::Op changed = op;
  Steps* list = graph::steps_of(changed);
  if (list == nullptr) return false;  // it computes nothing a step could follow
  for (const Step& step : steps) {
    const bool accepted = std::visit(
        [&](const auto& desc) {
          if constexpr (requires { accepts(desc, step); }) return accepts(desc, step);
          return false;
        },
        changed);
    if (!accepted) return false;
    list->append(step);
  }
  op = changed;
  return true;
}

bool accepts_all(graph::Op op, const Steps& steps) { return append(op, steps); }

/// `x + block(x)`: a sum may be read from either side. Where only the second term can take the sum
/// into its steps, the terms change places.
void turn_sum(const Graph& graph, Node& node, const std::vector<int>& readers) {
  const auto& steps = std::get<elementwise::Desc>(node.op).steps;
  if (steps.empty() || !(steps[0] == step::add(Extent::tensor))) return;
  auto* other = std::get_if<Value>(&node.operands[0]);
  const auto can_take_it = [&](Value value) {
    return readers[static_cast<size_t>(value.node)] == 1 &&
           accepts_all(graph.node(value).op, steps);
  };
  if (other != nullptr && !can_take_it(node.inputs[0]) && can_take_it(*other)) {
    std::swap(node.inputs[0], *other);
  }
}

/// Merges a producer into its only reader. The merged node stands where the reader stood, so that
/// whatever else the reader's steps read has been computed by then.
void fuse_forward(Graph& graph) {
  const std::vector<int> readers = count_readers(graph);  // merging changes none that matters
  for (Node& node : graph.nodes) {
    const auto* tail = std::get_if<elementwise::Desc>(&node.op);
    if (tail == nullptr) continue;
    turn_sum(graph, node, readers);
    const Value producer = node.inputs[0];
    const Node& head = graph.node(producer);
    if (readers[static_cast<size_t>(producer.node)] != 1) continue;
    Node merged = head;
    if (!append(merged.op, tail->steps)) continue;
    merged.shape = node.shape;
    merged.operands.insert(merged.operands.end(), node.operands.begin(), node.operands.end());
    merged.names.insert(merged.names.end(), node.names.begin(), node.names.end());
    node = std::move(merged);  // the head has no reader left: sweep() takes it away
  }
  sweep(graph);
}

/// A pad of equal sides as the padding of a convolution that has none and changes nothing before it.
bool take_in(conv2d::Desc& conv, const pad::Desc& pad, const Shape&, const Options&) {
  if (pad.top != pad.bottom || pad.left != pad.right) return false;
  if (!(conv.padding == Pair(0)) || !conv.prologue.empty()) return false;
  conv.padding = {pad.top, pad.left};
  conv.padding_mode = pad.mode;
  return true;
}

/// Ops that can change their input while they read it.
template <class Desc>
concept HasPrologue = requires(const Desc& desc) {
  desc.prologue;
};

template <HasPrologue Desc>
bool prepend(Desc& conv, const Prologue& first) {
  if (!accepts(conv, first)) return false;
  Prologue both = first;
  for (const Step& step : conv.prologue.steps) both.steps.append(step);
  both.upsample *= conv.prologue.upsample;
  conv.prologue = both;
  return true;
}

/// Kernels that change an input while they read it are a GPU's and Winograd's form of conv2d. The
/// processor's other forms would read a changed copy, which takes the memory that the step saves by
/// working in place; so would the definitions.
template <HasPrologue Desc>
bool changes_what_it_reads(const Desc& conv, const Shape& input, const Options& options) {
  if (options.backend == Backend::gpu) return true;
  if constexpr (std::is_same_v<Desc, conv2d::Desc>) {
    if (options.backend != Backend::cpu || !options.passes.select) return false;
    const Shape picture{1, input.c(), input.h(), input.w()};
    return choose(conv, picture, options.isa, options.passes.winograd).algorithm ==
           conv2d::Algorithm::winograd;
  } else {
    return false;
  }
}

template <HasPrologue Desc>
bool take_in(Desc& conv, const elementwise::Desc& before, const Shape& input,
             const Options& options) {
  // A gate is refused first: behind it the picture has other channels than `input`.
  const Prologue prologue{.steps = before.steps};
  return accepts(conv, prologue) && changes_what_it_reads(conv, input, options) &&
         prepend(conv, prologue);
}

/// Twice each pixel: what interpolating to twice the size comes to where nothing is mixed.
template <HasPrologue Desc>
bool take_in(Desc& conv, const resample::Desc& before, const Shape& input, const Options&) {
  const bool doubles =
      before.mode == resample::Mode::nearest && before.size == Pair(2 * input.h(), 2 * input.w());
  return doubles && prepend(conv, {.upsample = 2});
}

/// Makes `before` a part of how `node` reads it; false, and nothing changed, where the op has no place
/// for it.
bool take_in(const Graph& graph, Node& node, const Node& before, const Options& options) {
  return std::visit(
      [&](auto& conv, const auto& desc) {
        if constexpr (requires { take_in(conv, desc, Shape(), options); }) {
          return take_in(conv, desc, graph.node(before.inputs[0]).shape, options);
        } else {
          return false;
        }
      },
      node.op, before.op);
}

/// The nodes that read a value, each as its only input; none where anybody else reads it.
std::vector<Node*> sole_input_of(Graph& graph, Value value) {
  std::vector<Node*> readers;
  for (Node& node : graph.nodes) {
    const auto uses = std::ranges::count(graph::reads(node), value);
    if (uses == 0) continue;
    if (uses > 1 || node.inputs.size() != 1 || node.inputs[0] != value) return {};
    readers.push_back(&node);
  }
  const bool is_output = std::ranges::any_of(
      graph.outputs, [&](const graph::Port& port) { return port.value == value; });
  return is_output ? std::vector<Node*>() : readers;
}

/// From the last node to the first: what stands nearest to a convolution goes in before what it reads.
void fuse_backward(Graph& graph, const Options& options) {
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    Node& before = graph.nodes[i];
    const std::vector<Node*> readers = sole_input_of(graph, {static_cast<int32_t>(i)});
    // Steps would be computed once for each reader, and once more for each of its taps.
    if (std::holds_alternative<elementwise::Desc>(before.op) && readers.size() != 1) continue;
    std::vector<Node> changed;
    for (const Node* reader : readers) changed.push_back(*reader);
    const bool all = std::ranges::all_of(
        changed, [&](Node& reader) { return take_in(graph, reader, before, options); });
    if (!all || readers.empty()) continue;
    for (size_t r = 0; r < readers.size(); ++r) {
      changed[r].inputs[0] = before.inputs[0];
      changed[r].operands.insert(changed[r].operands.begin(), before.operands.begin(),
                                 before.operands.end());
      changed[r].names.insert(changed[r].names.begin(), before.names.begin(), before.names.end());
      *readers[r] = std::move(changed[r]);
    }
    before.inputs.clear();  // nobody reads it, and it reads nothing: sweep() takes it away
    before.operands.clear();
  }
  sweep(graph);
}

/// The norm still reads the convolution's value, for whose sake it comes after it.
void ride(Graph& graph, const Options& options) {
  if (options.backend != Backend::cpu && options.backend != Backend::gpu) return;
  for (Node& node : graph.nodes) {
    auto* statistics = std::get_if<norm::Desc>(&node.op);
    if (statistics == nullptr) continue;
    statistics->from_moments = std::visit(
        [](auto& desc) {
          if constexpr (requires { accepts_moments(desc); }) {
            desc.moments = accepts_moments(desc);
            return desc.moments;
          } else {
            return false;
          }
        },
        graph.node(node.inputs[0]).op);
  }
}

}  // namespace

std::vector<int> count_readers(const Graph& graph) {
  std::vector<int> readers(graph.nodes.size(), 0);
  for (const Node& node : graph.nodes) {
    for (const Value value : graph::reads(node)) ++readers[static_cast<size_t>(value.node)];
  }
  for (const graph::Port& port : graph.outputs) ++readers[static_cast<size_t>(port.value.node)];
  return readers;
}

void sweep(Graph& graph) {
  // An elementwise node without steps is its input under another name.
  std::vector<Value> stands_for(graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    graph::rewrite_reads(node, [&](Value v) { return stands_for[static_cast<size_t>(v.node)]; });
    stands_for[i] = {static_cast<int32_t>(i)};
    const auto* desc = std::get_if<elementwise::Desc>(&node.op);
    if (desc != nullptr && desc->steps.empty()) {
      stands_for[i] = node.inputs[0];
      Node& producer = graph.node(node.inputs[0]);
      producer.names.insert(producer.names.end(), node.names.begin(), node.names.end());
    }
  }
  for (graph::Port& port : graph.outputs) {
    port.value = stands_for[static_cast<size_t>(port.value.node)];
  }

  std::vector<bool> alive(graph.nodes.size(), false);
  for (const graph::Port& port : graph.inputs) alive[static_cast<size_t>(port.value.node)] = true;
  for (const graph::Port& port : graph.outputs) alive[static_cast<size_t>(port.value.node)] = true;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    if (!alive[i]) continue;
    for (const Value value : graph::reads(graph.nodes[i])) {
      alive[static_cast<size_t>(value.node)] = true;
    }
  }
  std::vector<Value> moved(graph.nodes.size());
  std::vector<Node> kept;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!alive[i]) continue;
    moved[i] = {static_cast<int32_t>(kept.size())};
    kept.push_back(std::move(graph.nodes[i]));
    graph::rewrite_reads(kept.back(), [&](Value v) { return moved[static_cast<size_t>(v.node)]; });
  }
  graph.nodes = std::move(kept);
  for (graph::Port& port : graph.inputs) port.value = moved[static_cast<size_t>(port.value.node)];
  for (graph::Port& port : graph.outputs) port.value = moved[static_cast<size_t>(port.value.node)];
}

void fuse(Graph& graph, const Options& options) {
  fuse_forward(graph);
  fuse_backward(graph, options);
  ride(graph, options);
}

}  // namespace kintsugi::plan
