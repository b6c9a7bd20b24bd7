// SPDX-License-Identifier: MIT
//
// fuse: three rules and no patterns. Forward: an elementwise node that is the only reader of its
// producer becomes the tail of the producer's epilogue. Backward: what stands before convolutions and
// nothing else moves into how they read: a pad, an enlargement by two, and, where there is one
// convolution, steps. Sideways: statistics are made from moments that the producer of the image leaves
// as it stores it, so that the image is not read again. An op absorbs what its contract accepts on the
// target; the rest stays a node of its own.
#include <algorithm>
#include <optional>
#include <utility>

#include "kernels/elementwise/elementwise.h"
#include "kernels/pad/pad.h"
#include "kernels/resample/resample.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/uses.h"

namespace kintsugi::plan {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

/// Appends all of the steps to what the op does behind its sums, or none and returns false.
bool append(AnyOp& op, const Steps& steps, const Target& target) {
  if (op.steps() == nullptr) return false;
  AnyOp changed = op;
  for (const Step& step : steps) {
    if (!changed.absorb(AppendStep{step}, target)) return false;
  }
  op = std::move(changed);
  return true;
}

/// Whether a value can take steps: it is the one output of a node that nobody else reads.
bool can_take(const Graph& graph, const Uses& uses, Value value, const Steps& steps,
              const Target& target) {
  const Node& node = graph.node(value);
  if (node.op() == nullptr || node.shapes.size() > 1 || uses.count(value.node) != 1) return false;
  AnyOp op = *node.op();
  return append(op, steps, target);
}

/// `x + block(x)`: a sum may be read from either side. Where only the second term can take the sum
/// into its steps, the terms change places.
void swap_terms(const Graph& graph, Node& node, const Uses& uses, const Target& target) {
  const Steps& steps = node.as<elementwise::Desc>()->steps;
  if (steps.empty() || !(steps[0] == step::add(Extent::tensor))) return;
  auto* other = std::get_if<Value>(&node.operands[0]);
  if (other == nullptr || can_take(graph, uses, node.inputs[0], steps, target) ||
      !can_take(graph, uses, *other, steps, target)) {
    return;
  }
  std::swap(node.inputs[0], *other);
}

/// Merges a producer into its only reader. The merged node stands where the reader stood, so that
/// whatever else the reader's steps read has been computed by then.
void fuse_forward(Graph& graph, const Target& target) {
  const Uses uses(graph);  // merging changes none that matters
  for (Node& node : graph.nodes) {
    if (node.as<elementwise::Desc>() == nullptr) continue;
    swap_terms(graph, node, uses, target);
    const Steps& steps = node.as<elementwise::Desc>()->steps;
    const Value producer = node.inputs[0];
    if (!can_take(graph, uses, producer, steps, target)) continue;
    Node merged = graph.node(producer);
    static_cast<void>(append(*merged.op(), steps, target));
    merged.shapes = node.shapes;
    merged.operands.insert(merged.operands.end(), node.operands.begin(), node.operands.end());
    merged.names.insert(merged.names.end(), node.names.begin(), node.names.end());
    node = std::move(merged);  // the head has no reader left: sweep() takes it away
  }
  sweep(graph);
}

/// What a node would be as a part of how its readers read; nothing for an op that has no such form.
/// Steps have it for one reader alone: they would be computed once for each.
std::optional<Edit> edit_of(const Graph& graph, const Node& before, size_t readers) {
  if (const auto* steps = before.as<elementwise::Desc>()) {
    if (readers != 1) return {};
    return PrependPrologue{{.steps = steps->steps}, graph.shape(before.inputs[0])};
  }
  if (const auto* pad = before.as<pad::Desc>()) {
    return PadInput{pad->top, pad->bottom, pad->left, pad->right, pad->mode};
  }
  if (const auto* resized = before.as<resample::Desc>()) {
    // Twice each pixel: what interpolating to twice the size comes to where nothing is mixed.
    const Shape& input = graph.shape(before.inputs[0]);
    if (resized->mode == resample::Mode::nearest &&
        resized->size == Pair(2 * input.h(), 2 * input.w())) {
      return PrependPrologue{{.steps = {}, .upsample = 2}, input};
    }
  }
  return {};
}

/// From the last node to the first: what stands nearest to a convolution goes in before what it reads.
void fuse_backward(Graph& graph, const Options& options) {
  Uses uses(graph);
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    Node& before = graph.nodes[i];
    const auto at = static_cast<int32_t>(i);
    const std::vector<int32_t> readers = uses.readers(at);
    if (readers.empty() || uses.is_end(at)) continue;
    const std::optional<Edit> edit = edit_of(graph, before, readers.size());
    if (!edit) continue;
    std::vector<AnyOp> changed;
    const bool all = std::ranges::all_of(readers, [&](int32_t r) {
      const Node& reader = graph.nodes[static_cast<size_t>(r)];
      const bool sole = reader.inputs.size() == 1 && reader.inputs[0] == Value{at} &&
                        std::ranges::count(graph::reads(reader), Value{at}) == 1;
      if (!sole || reader.op() == nullptr) return false;
      changed.push_back(*reader.op());
      return changed.back().absorb(*edit, target_of(options, storage_type(options), graph, reader));
    });
    if (!all) continue;
    for (size_t r = 0; r < readers.size(); ++r) {
      Node& reader = graph.nodes[static_cast<size_t>(readers[r])];
      *reader.op() = std::move(changed[r]);
      reader.inputs[0] = before.inputs[0];
      reader.operands.insert(reader.operands.begin(), before.operands.begin(),
                             before.operands.end());
      reader.names.insert(reader.names.begin(), before.names.begin(), before.names.end());
    }
    uses.hand_on(before, at, readers);
    before.inputs.clear();  // nobody reads it, and it reads nothing: sweep() takes it away
    before.operands.clear();
  }
  sweep(graph);
}

/// Statistics of an image from moments that its producer leaves: another output of it.
void fuse_statistics(Graph& graph, const Target& target) {
  for (Node& node : graph.nodes) {
    if (node.op() == nullptr || node.inputs.size() != 1 || node.inputs[0].output != 0) continue;
    const Value image = node.inputs[0];
    Node& producer = graph.node(image);
    if (producer.op() == nullptr) continue;
    AnyOp reads_moments = *node.op();
    if (!reads_moments.absorb(ReadMoments{graph.shape(image)}, target)) continue;
    auto moments = static_cast<int32_t>(producer.shapes.size());
    for (int32_t o = 0; o < moments; ++o) {  // another reader may have asked for them
      if (producer.op()->makes(o) == Stored::moments) moments = o;
    }
    if (moments == static_cast<int32_t>(producer.shapes.size())) {
      if (!producer.op()->absorb(LeaveMoments{}, target)) continue;
      producer.shapes.push_back({graph.shape(image).n(), graph.shape(image).c(), 1, 1});
    }
    *node.op() = std::move(reads_moments);
    node.inputs[0] = {image.node, moments};
  }
}

}  // namespace

void sweep(Graph& graph) {
  // An elementwise node without steps is its input under another name.
  std::vector<Value> stands_for(graph.nodes.size());
  const auto follow = [&](Value v) {
    const Value same = stands_for[static_cast<size_t>(v.node)];
    return Value{same.node, same.output + v.output};
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    graph::rewrite_reads(node, follow);
    stands_for[i] = {static_cast<int32_t>(i)};
    const auto* desc = node.as<elementwise::Desc>();
    if (desc != nullptr && desc->steps.empty()) {
      stands_for[i] = node.inputs[0];
      Node& producer = graph.node(node.inputs[0]);
      producer.names.insert(producer.names.end(), node.names.begin(), node.names.end());
    }
  }
  graph::rewrite_ends(graph, follow);

  std::vector<bool> alive(graph.nodes.size(), false);
  const auto keep = [&](Value v) { alive[static_cast<size_t>(v.node)] = true; };
  for (const graph::Port& port : graph.inputs) keep(port.value);
  for (const graph::Port& port : graph.outputs) keep(port.value);
  for (const graph::Write& write : graph.writes) keep(write.value);
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    if (!alive[i]) continue;
    for (const Value value : graph::reads(graph.nodes[i])) keep(value);
  }
  graph::rebuild(graph, [&](Node node, size_t i) {
    return alive[i] ? graph.append(std::move(node)) : Value{};
  });
}

void fuse(Graph& graph, const Options& options) {
  const Target target = target_of(options, storage_type(options));
  fuse_forward(graph, target);
  fuse_backward(graph, options);
  fuse_statistics(graph, target);
}

}  // namespace kintsugi::plan
