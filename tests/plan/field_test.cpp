// SPDX-License-Identifier: MIT
//
// A field says which pixels of the input can change a pixel of the output: of a graph that is run twice, one
// input pixel apart, no other output pixel differs, and at the field's ends one does.
#include "runtime/graph/field.h"

#include "kernels/reduce/reduce.h"
#include "runtime/networks/network.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using graph::Field;
using graph::Value;
using test::Toy;

constexpr int64_t kSide = 40;
const Shape kShape{1, 2, kSide, kSide};

std::vector<float> run(const graph::Graph& graph, int64_t at) {
  test::Bound bound(test::plan_here(graph, {.backend = plan::Backend::reference_f64}));
  execute::Executor& executor = *bound.executor;
  executor.write_input(executor.plan().inputs[0].value,
                       [&](int64_t, int64_t y, std::span<float> row) {
                         std::ranges::fill(row, 1.0f);
                         if (y == at) row[static_cast<size_t>(2 * at)] = 2;
                       });
  executor.run({});
  std::vector<float> all;
  executor.read(executor.plan().outputs[0].value,
                [&](int64_t, int64_t, std::span<const float> row) {
                  all.insert(all.end(), row.begin(), row.end());
                });
  return all;
}

/// The field as runs show it, on the diagonal.
Field seen(const graph::Graph& graph, int64_t scale) {
  const std::vector<float> base = run(graph, -1);
  const Shape& out = graph.shape(graph.outputs[0].value);
  Field field;
  for (int64_t at = kSide / 2 - 4; at < kSide / 2 + 4; ++at) {
    const std::vector<float> changed = run(graph, at);
    for (size_t i = 0; i < base.size(); ++i) {
      if (base[i] == changed[i]) continue;
      const int64_t pixel = static_cast<int64_t>(i) / out.c();
      const int64_t y = pixel / out.w() / scale, x = pixel % out.w() / scale;
      field.above = std::max(field.above, y - at);
      field.below = std::max(field.below, at - y);
      field.left = std::max(field.left, x - at);
      field.right = std::max(field.right, at - x);
    }
  }
  return field;
}

struct Drawn : Toy {
  Drawn() : Toy(kShape) {}
  Value conv(Value in, Pair kernel, Pair stride, Pair dilation, Pair padding) {
    return Toy::conv(in, next(),
                     {.out_channels = 2,
                      .kernel = kernel,
                      .stride = stride,
                      .dilation = dilation,
                      .padding = padding});
  }
  Value up(Value in, int64_t kernel, int64_t stride, int64_t padding) {
    return deconv(in, next(),
                  {.out_channels = 2, .kernel = kernel, .stride = stride, .padding = padding});
  }
  std::string next() { return "layer" + std::to_string(count++); }
  void expect(Value output, int64_t stride, int64_t scale = 1) {
    graph.output("y", output);
    const auto field = graph::field(graph, x, output);
    ASSERT_TRUE(field);
    Field right = seen(graph, scale);
    right.stride = stride;
    // Of a strided graph a pixel uses what another phase's would: up to a stride more may be said.
    EXPECT_GE(field->above, right.above);
    EXPECT_GE(field->below, right.below);
    EXPECT_GE(field->left, right.left);
    EXPECT_GE(field->right, right.right);
    EXPECT_LT(field->above, right.above + stride);
    EXPECT_LT(field->below, right.below + stride);
    EXPECT_LT(field->left, right.left + stride);
    EXPECT_LT(field->right, right.right + stride);
    EXPECT_EQ(field->stride, stride);
  }
  int count = 0;
};

TEST(Field, OfOneConvolutionIsItsWindow) {
  Drawn d;
  d.expect(d.conv(d.x, {3, 5}, 1, {2, 1}, {2, 2}), 1);
  Drawn lopsided;
  lopsided.expect(lopsided.conv(lopsided.x, {4, 2}, 1, 1, {1, 0}), 1);
}

TEST(Field, GrowsThroughStridesAndBack) {
  Drawn d;
  Value x = d.conv(d.x, 3, 2, 1, 1);
  x = d.conv(x, 3, 1, 3, 3);
  d.expect(d.up(x, 4, 2, 1), 2);
  Drawn twice;
  x = twice.conv(twice.conv(twice.x, 3, 2, 1, 1), 3, 2, 1, 1);
  twice.expect(twice.up(twice.up(x, 4, 2, 1), 4, 2, 1), 4);
}

TEST(Field, OfMorePixelsThanTheInput) {
  Drawn d;
  d.expect(d.up(d.conv(d.x, 3, 1, 1, 1), 4, 2, 1), 1, 2);
}

TEST(Field, OfBranchesIsTheWidest) {
  Drawn d;
  const Value wide = d.conv(d.x, 7, 1, 1, 3), narrow = d.conv(d.x, 3, 1, 1, 1);
  d.expect(d.add(narrow, wide, "sum"), 1);
}

TEST(Field, OfAPadIsShiftedAndShiftedBack) {
  Drawn d;
  d.expect(d.conv(d.pad(d.x, "pad", 3, PaddingMode::reflect), 7, 1, 1, 0), 1);
}

TEST(Field, IsUnboundedThroughAMeanAStateOrAnotherScale) {
  Drawn d;
  const Value mean = d.record({d.x}, "mean", reduce::Desc{}, {}, {});
  const Value gated = d.apply(d.x, "gate", step::mul(Extent::sample_channel), {mean});
  EXPECT_FALSE(graph::field(d.graph, d.x, gated));
  const auto state = d.graph.state({.name = "past", .shape = kShape});
  const Value past = d.add(d.x, d.graph.read(state), "past");
  EXPECT_FALSE(graph::field(d.graph, d.x, past));
  EXPECT_FALSE(graph::field(d.graph, d.x, d.conv(d.x, 3, 2, 1, 1)));  // covers several pixels
}

TEST(Field, OfGlcicIsThatOfItsDilations) {
  const weights::Weights weights(std::filesystem::path(KINTSUGI_TEST_DATA) /
                                 "glcic_ch8.safetensors");
  const program::Program program = networks::open(weights, "");
  const program::GraphSpec& spec = program.graph("");
  const program::Letters letters{1, 64, 64};
  const graph::Graph graph =
      program.record(spec, weights, letters, program::input_shapes(spec.inputs, letters), {});
  EXPECT_EQ(graph::field(graph, graph.inputs[0].value, graph.outputs[0].value),
            (Field{.above = 153, .left = 153, .below = 150, .right = 150, .stride = 4}));
}

}  // namespace
}  // namespace kintsugi
