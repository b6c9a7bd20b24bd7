// SPDX-License-Identifier: MIT
//
// Values that stand in one slot: concatenations computed in place, slices that are views; and conversions
// where types meet. States have tests of their own (states_test.cpp).
#include "kernels/concat/concat.h"
#include "kernels/copy/copy.h"
#include "kernels/reduce/reduce.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using graph::Value;
using test::calls;
using test::relative_l2;
using test::Right;
using test::rights;
using test::Toy;

Value concat(Toy& t, std::vector<Value> parts, const std::string& name) {
  return t.record(std::move(parts), name, concat::Desc{}, {}, {});
}
Value slice(Toy& t, Value x, const std::string& name, int64_t first, int64_t channels) {
  return t.record({x}, name, copy::Desc{.first = first, .channels = channels}, {}, {});
}
conv2d::Desc conv3x3(int64_t channels) {
  return {.out_channels = channels, .kernel = 3, .padding = 1};
}

/// Placed and not placed, on every backend, as in double with every value kept.
void expect_agreement(const graph::Graph& graph, const char* what) {
  const auto right = test::run(graph, {.backend = plan::Backend::reference_f64, .keep_all = true});
  for (const Right& by : rights()) {
    for (const bool layout : {true, false}) {
      plan::Options options{.backend = by.backend, .precision = by.precision};
      options.passes.layout = layout;
      EXPECT_LT(relative_l2(test::run(graph, options), right), by.bound)
          << what << ", backend " << int(by.backend) << " " << plan::to_string(by.precision)
          << ", layout " << layout;
    }
  }
}

TEST(Concat, ComputesItsInputsInPlace) {
  Toy t({2, 8, 9, 7});
  const Value a = t.relu(t.conv(t.x, "a", conv3x3(16)), "relu");
  const Value b = t.conv(t.x, "b", conv3x3(5));  // the last may end within a granule
  t.graph.output("y", t.conv(concat(t, {a, b}, "cat"), "y", conv3x3(6)));
  t.graph.output("sum", t.add(a, a, "twice"));  // read beside the concatenation as well
  const plan::Plan plan = plan::make(t.graph, {});
  EXPECT_EQ(calls(plan, "concat") + calls(plan, "copy"), 0);
  EXPECT_EQ(plan.steps[0].outputs[0].region.slot, plan.steps[1].outputs[0].region.slot);
  EXPECT_EQ(plan.steps[1].outputs[0].region.channel, 16);
  expect_agreement(t.graph, "in place");
}

TEST(Concat, CopiesWhatCannotBeComputedInPlace) {
  Toy t({1, 8, 9, 7});
  const Value a = t.conv(t.x, "a", conv3x3(8));
  t.graph.output("y", t.conv(concat(t, {a, t.x}, "cat"), "y", conv3x3(4)));    // x is an input
  t.graph.output("z", t.conv(concat(t, {t.x, a}, "other"), "z", conv3x3(4)));  // a stands in cat
  const plan::Plan plan = plan::make(t.graph, {});
  EXPECT_EQ(calls(plan, "copy"), 1);    // x, into cat
  EXPECT_EQ(calls(plan, "concat"), 1);  // neither of them can move
  expect_agreement(t.graph, "copied");
}

TEST(Concat, StaysACallWhereChannelsAreNoWholeGroups) {
  Toy t({1, 3, 9, 7});
  const Value a = t.conv(t.x, "a", conv3x3(3)), b = t.conv(t.x, "b", conv3x3(7));
  t.graph.output("y", t.conv(concat(t, {a, b, t.x}, "cat"), "y", conv3x3(4)));
  EXPECT_EQ(calls(plan::make(t.graph, {}), "concat"), 1);
  expect_agreement(t.graph, "ragged");
  Toy twice({1, 8, 5, 5});
  const Value c = twice.conv(twice.x, "c", conv3x3(8));
  twice.graph.output("y", concat(twice, {c, c}, "cat"));
  EXPECT_EQ(calls(plan::make(twice.graph, {}), "concat"), 1);
  expect_agreement(twice.graph, "one value twice");
}

// A launch takes eight inputs; what is computed in place needs none.
TEST(Concat, OfNineIsOneSlotAndSoIsAChain) {
  for (const bool chained : {false, true}) {
    Toy t({1, 8, 5, 6});
    std::vector<Value> all;
    for (int i = 0; i < 9; ++i) {
      all.push_back(t.conv(t.x, "conv" + std::to_string(i), conv3x3(8)));
    }
    if (chained) {
      const Value last = all.back();
      all.pop_back();
      all = {concat(t, all, "first"), last};
    }
    t.graph.output("y", t.conv(concat(t, all, "cat"), "y", conv3x3(3)));
    const plan::Plan plan = plan::make(t.graph, {});
    EXPECT_EQ(calls(plan, "concat") + calls(plan, "copy"), 0);
    for (size_t i = 0; i < 9; ++i) {
      EXPECT_EQ(plan.steps[i].outputs[0].region,
                (plan::Region{plan.steps[0].outputs[0].region.slot, 8 * static_cast<int64_t>(i)}));
    }
    expect_agreement(t.graph, chained ? "a chain of nine" : "nine");
  }
}

/// Dense blocks (Huang et al. 2017): each layer reads all before it, in either spelling.
graph::Graph dense_block(bool nested) {
  Toy t({2, 16, 8, 9});
  const Value x = t.conv(t.x, "in", conv3x3(16));
  std::vector<Value> all{x};
  Value joined = x;
  for (int i = 0; i < 4; ++i) {
    const std::string number = std::to_string(i);
    all.push_back(t.relu(t.conv(joined, "conv" + number, conv3x3(8)), "relu" + number));
    joined =
        nested ? concat(t, {joined, all.back()}, "cat" + number) : concat(t, all, "cat" + number);
  }
  t.graph.output("y", t.add(t.conv(joined, "out", conv3x3(16)), x, "residual"));
  return t.graph;
}

TEST(Concat, ADenseBlockIsOneSlot) {
  for (const bool nested : {true, false}) {
    const graph::Graph graph = dense_block(nested);
    const plan::Plan plan = plan::make(graph, {});
    EXPECT_EQ(calls(plan, "concat") + calls(plan, "copy"), 0) << nested;
    const int slot = plan.steps[0].outputs[0].region.slot;
    for (size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(plan.steps[i].outputs[0].region,
                (plan::Region{slot, i == 0 ? 0 : 8 + 8 * static_cast<int64_t>(i)}));
      if (i == 0) continue;
      EXPECT_EQ(plan.steps[i].inputs[0].region, (plan::Region{slot, 0}));
    }
    EXPECT_EQ(plan.slots[static_cast<size_t>(slot)].pitch, 48);
    expect_agreement(graph, nested ? "nested" : "flat");
  }
}

TEST(Concat, AnOutputOfTheGraphStandsAlone) {
  Toy t({1, 8, 5, 5});
  const Value a = t.conv(t.x, "a", conv3x3(8)), b = t.conv(t.x, "b", conv3x3(8));
  const Value inner = concat(t, {a, b}, "inner");
  t.graph.output("inner", inner);
  t.graph.output("outer", concat(t, {inner, t.conv(inner, "c", conv3x3(8))}, "outer"));
  t.graph.output("a", a);
  const plan::Plan plan = plan::make(t.graph, {});
  for (const plan::Port& port : plan.outputs) {
    EXPECT_EQ(port.value.region.channel, 0);
    EXPECT_EQ(plan.slot(port.value).pitch, port.value.shape.c()) << port.name;
  }
  expect_agreement(t.graph, "outputs");
}

TEST(Slice, IsAViewWhereItsEndsAreWholeGroups) {
  Toy t({2, 16, 6, 7});
  const Value x = t.conv(t.x, "x", conv3x3(24));
  const Value first = slice(t, x, "first", 0, 8);
  const Value rest = slice(t, x, "rest", 8, 16);
  const Value part = slice(t, rest, "part", 8, 8);  // of a view
  t.graph.output("y", t.conv(t.add(first, part, "sum"), "y", conv3x3(3)));
  const plan::Plan plan = plan::make(t.graph, {});
  EXPECT_EQ(calls(plan, "copy"), 0);
  expect_agreement(t.graph, "views");

  Toy odd({2, 3, 6, 7});
  const Value z = odd.conv(odd.x, "x", conv3x3(9));
  odd.graph.output("y", odd.conv(slice(odd, z, "odd", 3, 5), "y", conv3x3(3)));
  odd.graph.output("raw", slice(odd, z, "raw", 8, 1));
  EXPECT_EQ(calls(plan::make(odd.graph, {}), "copy"), 2);
  expect_agreement(odd.graph, "ragged slices");
}

// ---- Types.

/// Of 16 bits, for a GPU that need not be here.
plan::Plan plan_of_16_bits(const graph::Graph& graph) {
  plan::Options options{.backend = plan::Backend::gpu, .precision = plan::Precision::f16};
  options.gpu.multiprocessors = 4;
  options.gpu.compute = 80;
  return plan::make(graph, options);
}

TEST(Convert, AFactorOfActivationsPlansAndAgreesIn16Bits) {
  Toy t({2, 16, 6, 7});
  const Value mean = t.record({t.x}, "mean", reduce::Desc{}, {}, {});
  const Value gate = t.apply(t.conv(mean, "linear", {.out_channels = 16}), "sigmoid",
                             step::activate(Function::sigmoid), {});
  t.graph.output("y", t.apply(t.conv(t.x, "x", conv3x3(16)), "mul",
                              step::mul(Extent::sample_channel), {gate}));
  // A step reads factors in f32: one copy converts the gate, straight before its reader.
  const plan::Plan plan = plan_of_16_bits(t.graph);
  ASSERT_EQ(calls(plan, "copy"), 1);
  const plan::PlanStep& copy = *std::ranges::find_if(plan.steps, [](const plan::PlanStep& step) {
    return step.work.op().as<copy::Desc>() != nullptr;
  });
  EXPECT_EQ(plan.slot(copy.inputs[0]).dtype, DType::f16);
  EXPECT_EQ(plan.slot(copy.outputs[0]).dtype, DType::f32);
  EXPECT_EQ(copy.outputs[0].shape, (Shape{2, 16, 1, 1}));
  const plan::PlanStep& reader = plan.steps.back();
  ASSERT_FALSE(reader.operands.empty());
  const auto* factor = std::get_if<plan::Placed>(&reader.operands.back());
  ASSERT_NE(factor, nullptr);
  EXPECT_EQ(factor->region, copy.outputs[0].region);
  EXPECT_EQ(calls(plan::make(t.graph, {}), "copy"), 0);  // all is f32
  expect_agreement(t.graph, "mean -> linear -> mul");
}

TEST(Convert, AnExactStyleModulatesAndAgreesIn16Bits) {
  Toy t({2, 16, 6, 7});
  const Value style = t.graph.input("style", {2, 12, 1, 1}, true);
  const Value scale = t.conv(style, "linear", {.out_channels = 16});
  t.graph.output("y", t.apply(t.conv(t.x, "x", conv3x3(16)), "mul",
                              step::mul(Extent::sample_channel), {scale}));
  // The linear layer runs in f32, on weights of its own type: nothing is converted.
  EXPECT_EQ(calls(plan_of_16_bits(t.graph), "copy"), 0);
  expect_agreement(t.graph, "style -> linear -> mul");
}

}  // namespace
}  // namespace kintsugi
