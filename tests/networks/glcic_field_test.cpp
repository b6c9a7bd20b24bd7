// SPDX-License-Identifier: MIT
//
// The receptive field of the completion network, as its graph says it and as a NaN in the input shows it.
#include "runtime/program/field.h"

#include "kernels/elementwise/elementwise.h"
#include "runtime/networks/network.h"
#include "tests/networks/support.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

graph::Graph recorded(const Shape& input) {
  const weights::Weights weights(test::kData / "glcic_ch8.safetensors");
  const program::Program program = networks::open(weights, "");
  graph::Graph graph =
      program.record(program.graph(""), weights, {1, input.h(), input.w()}, {{"input", input}}, {});
  // Activations may stop a NaN: here they are left out. Weights are numbers that are not zero.
  for (graph::Node& node : graph.nodes) {
    if (node.as<elementwise::Desc>() == nullptr) continue;
    elementwise::Desc desc = *node.as<elementwise::Desc>();
    Steps steps;
    for (Step step : desc.steps) {
      if (step.kind == Step::Kind::activate) step.function = Function::identity;
      steps.append(step);
    }
    desc.steps = steps;
    node.does = desc;
  }
  for (graph::Constant& constant : graph.constants) {
    if (!constant.formula) {
      constant.formula = [count = constant.shape.elements()](auto) {
        return std::vector<double>(static_cast<size_t>(count), 0.25);
      };
    }
  }
  return graph;
}

TEST(GlcicField, IsWhatANanReaches) {
  const program::Field paper{
      .top = 153, .bottom = 150, .left = 153, .right = 150, .stride = 4, .output_stride = 4};
  const graph::Graph graph = recorded({1, 4, 320, 8});
  EXPECT_EQ(program::field(graph, graph.inputs[0].value, graph.outputs[0].value), paper);

  test::Bound bound(test::plan_here(graph, {.backend = plan::Backend::reference_f32}));
  execute::Executor& executor = *bound.executor;
  int64_t above = 0, below = 0;
  for (int64_t at = 156; at < 160; ++at) {
    executor.write_input(executor.plan().inputs[0].value,
                         [&](int64_t, int64_t y, std::span<float> row) {
                           std::ranges::fill(row, y == at ? NAN : 0.0F);
                         });
    executor.run({});
    executor.read(executor.plan().outputs[0].value,
                  [&](int64_t, int64_t y, std::span<const float> row) {
                    if (!std::isnan(row[0])) return;
                    above = std::max(above, y - at);
                    below = std::max(below, at - y);
                  });
  }
  EXPECT_EQ(above, paper.top);
  EXPECT_EQ(below, paper.bottom);
}

}  // namespace
}  // namespace kintsugi
