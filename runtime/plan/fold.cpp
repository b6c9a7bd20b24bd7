// SPDX-License-Identifier: MIT
//
// fold: conv -> batch norm becomes conv. Legal only where the affine reads the convolution's own
// output and nothing stands between: after a ReLU, zero padding would meet a shifted border.
#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/uses.h"

namespace kintsugi::plan {
namespace {

using graph::Constant;
using graph::ConstantId;
using graph::Node;
using graph::Value;

constexpr Step kBias = step::add(Extent::channel);
constexpr Step kAffine = step::affine(Extent::channel);

/// The axis of output channels in an op's weight, or -1 for an op without one.
int output_axis(const Node& node) {
  if (node.as<conv2d::Desc>() != nullptr) return 0;            // [K, C, R, S]
  if (node.as<conv_transpose2d::Desc>() != nullptr) return 1;  // [C, K, R, S]
  return -1;
}

/// Nothing but a bias between the sum and the store.
bool is_bare(const Steps& steps) {
  return steps.empty() || (steps.size() == 1 && steps[0] == kBias);
}

/// weight * scale, each output channel by its own factor.
Constant scaled_weight(const graph::Graph& g, ConstantId weight, ConstantId scale, int axis) {
  const Shape& shape = g.constant(weight).shape;
  const auto channels = static_cast<size_t>(shape[axis]);
  size_t inner = 1;
  for (int i = axis + 1; i < shape.rank(); ++i) inner *= static_cast<size_t>(shape[i]);
  return {.name = "(" + g.constant(weight).name + " * " + g.constant(scale).name + ")",
          .shape = shape,
          .sources = {weight, scale},
          .formula =
              [channels, inner](std::span<const std::vector<double>> s) {
                std::vector<double> out = s[0];
                for (size_t i = 0; i < out.size(); ++i) out[i] *= s[1][i / inner % channels];
                return out;
              },
          .where = g.constant(weight).where};
}

/// bias * scale + shift.
Constant scaled_bias(const graph::Graph& g, ConstantId bias, ConstantId scale, ConstantId shift) {
  return {.name = "(" + g.constant(bias).name + " * " + g.constant(scale).name + " + " +
                  g.constant(shift).name + ")",
          .shape = g.constant(bias).shape,
          .sources = {bias, scale, shift},
          .formula =
              [](std::span<const std::vector<double>> s) {
                std::vector<double> out = s[2];
                for (size_t k = 0; k < out.size(); ++k) out[k] += s[0][k] * s[1][k];
                return out;
              },
          .where = g.constant(bias).where};
}

}  // namespace

void fold(graph::Graph& graph) {
  const Uses uses(graph);
  for (Node& affine : graph.nodes) {
    const auto* desc = affine.as<elementwise::Desc>();
    if (desc == nullptr || desc->steps.empty() || !(desc->steps[0] == kAffine)) continue;
    const auto* scale = std::get_if<ConstantId>(&affine.operands[0]);
    const auto* shift = std::get_if<ConstantId>(&affine.operands[1]);
    if (scale == nullptr || shift == nullptr) continue;

    const Value producer = affine.inputs[0];
    Node& conv = graph.node(producer);
    const int axis = output_axis(conv);
    if (axis < 0 || uses.count(producer.node) != 1) continue;
    const Steps& epilogue = *conv.op()->steps();
    if (!is_bare(epilogue)) continue;
    if (!conv.operands.empty() && !std::holds_alternative<ConstantId>(conv.operands[0])) continue;

    ConstantId bias = *shift;
    if (!epilogue.empty()) {
      bias = graph.constant(
          scaled_bias(graph, std::get<ConstantId>(conv.operands[0]), *scale, *shift));
    }
    conv.weights[0] = graph.constant(scaled_weight(graph, conv.weights[0], *scale, axis));
    conv.op()->replace_steps({kBias});
    conv.operands = {bias};

    // The affine is done: what is left of the node are its other steps, possibly none.
    Steps rest;
    for (int i = 1; i < desc->steps.size(); ++i) rest.append(desc->steps[i]);
    affine.op()->replace_steps(rest);
    affine.operands.erase(affine.operands.begin(), affine.operands.begin() + 2);
  }
  sweep(graph);
}

}  // namespace kintsugi::plan
