// SPDX-License-Identifier: MIT
//
// fuse: two rules and no patterns. Forward: an elementwise node that is the only reader of its
// producer becomes the tail of the producer's epilogue. Backward: a pad all of whose readers are
// convolutions without padding of their own becomes theirs. What a contract does not accept stays
// a node of its own.
#include <algorithm>
#include <utility>

#include "runtime/plan/plan.h"

namespace kintsugi::plan {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

bool accepts_all(const graph::Op& op, const Steps& steps) {
  return std::visit(
      [&](const auto& desc) {
        using Desc = std::decay_t<decltype(desc)>;
        if constexpr (std::is_same_v<Desc, graph::Input> || std::is_same_v<Desc, pad::Desc>) {
          return false;  // they compute nothing a step could follow
        } else {
          return std::ranges::all_of(steps, [&](const Step& step) { return accepts(desc, step); });
        }
      },
      op);
}

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
    if (!accepts_all(head.op, tail->steps)) continue;
    if (graph::steps_of(head.op)->size() + tail->steps.size() > Steps::kMaxSteps) continue;

    Node merged = head;
    for (const Step& step : tail->steps) graph::steps_of(merged.op)->append(step);
    merged.operands.insert(merged.operands.end(), node.operands.begin(), node.operands.end());
    merged.names.insert(merged.names.end(), node.names.begin(), node.names.end());
    node = std::move(merged);  // the head has no reader left: sweep() takes it away
  }
  sweep(graph);
}

/// A pad of equal sides whose readers are all convolutions that do not pad yet.
void fuse_backward(Graph& graph) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto* pad = std::get_if<pad::Desc>(&graph.nodes[i].op);
    if (pad == nullptr || pad->top != pad->bottom || pad->left != pad->right) continue;
    const Value padded{static_cast<int32_t>(i)};
    if (std::ranges::any_of(graph.outputs,
                            [&](const graph::Port& port) { return port.value == padded; })) {
      continue;
    }
    std::vector<Node*> convolutions;
    bool all = true;
    for (Node& node : graph.nodes) {
      const std::vector<Value> values = graph::reads(node);
      const auto uses = std::ranges::count(values, padded);
      if (uses == 0) continue;
      const auto* conv = std::get_if<conv2d::Desc>(&node.op);
      all = all && uses == 1 && conv != nullptr && node.inputs[0] == padded &&
            conv->padding == Pair(0);
      convolutions.push_back(&node);
    }
    if (!all || convolutions.empty()) continue;
    for (Node* node : convolutions) {
      auto& conv = std::get<conv2d::Desc>(node->op);
      conv.padding = {pad->top, pad->left};
      conv.padding_mode = pad->mode;
      node->inputs[0] = graph.nodes[i].inputs[0];
      const std::vector<std::string>& names = graph.nodes[i].names;
      node->names.insert(node->names.begin(), names.begin(), names.end());
    }
  }
  sweep(graph);
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

void fuse(Graph& graph) {
  fuse_forward(graph);
  fuse_backward(graph);
}

}  // namespace kintsugi::plan
