// SPDX-License-Identifier: MIT
//
// Values that stand in one slot: concatenations computed in place, slices that are views, states that are
// written where they are read; and conversions where types meet.
#include "kernels/concat/concat.h"
#include "kernels/copy/copy.h"
#include "kernels/reduce/reduce.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using graph::Value;
using test::relative_l2;
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

/// How often a plan calls an op.
int calls(const plan::Plan& plan, std::string_view op) {
  return static_cast<int>(std::ranges::count_if(
      plan.steps, [&](const plan::PlanStep& step) { return step.work.op().table().name == op; }));
}

struct Right {
  plan::Backend backend;
  plan::Precision precision;
  double bound;
};
std::vector<Right> rights() {
  std::vector<Right> all{{plan::Backend::reference_f64, plan::Precision::f32, 1e-7},
                         {plan::Backend::reference_f32, plan::Precision::f32, 2e-6},
                         {plan::Backend::cpu, plan::Precision::f32, 2e-6}};
  if (test::has_gpu()) {
    all.push_back({plan::Backend::gpu, plan::Precision::f32, 2e-6});
    all.push_back({plan::Backend::gpu, plan::Precision::f16, 3e-3});
    all.push_back({plan::Backend::gpu, plan::Precision::bf16, 2e-2});
  }
  return all;
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

// ---- States.

/// Runs a plan several times and gives what its output held after each.
std::vector<std::vector<float>> replays(const graph::Graph& graph, plan::Options options,
                                        int times) {
  if (options.backend == plan::Backend::cpu) options.isa = simd::chosen();
  if (options.backend == plan::Backend::gpu) options.gpu = device::info();
  test::Bound bound(plan::make(graph, options));
  execute::Executor& executor = *bound.executor;
  for (const plan::StateEntry& entry : executor.plan().states) {
    executor.fill(entry, [&](int64_t, int64_t, std::span<float> row) {
      std::ranges::fill(row, static_cast<float>(entry.entry));
    });
  }
  for (const plan::Port& port : executor.plan().inputs) {
    executor.write_input(
        port.value, [](int64_t, int64_t, std::span<float> row) { std::ranges::fill(row, 1.0f); });
  }
  std::vector<std::vector<float>> all;
  for (int i = 0; i < times; ++i) {
    executor.run({});
    all.emplace_back();
    for (const plan::Port& port : executor.plan().outputs) {
      executor.read(port.value, [&](int64_t, int64_t, std::span<const float> row) {
        all.back().push_back(row[0]);
      });
    }
  }
  return all;
}

using Seen = std::vector<std::vector<float>>;

TEST(State, CountsReplaysAndIsWrittenInPlace) {
  Toy t({1, 8, 1, 1});
  const auto counter = t.graph.state({.name = "counter", .shape = {1, 8, 1, 1}});
  const Value before = t.graph.read(counter);
  const Value after = t.add(before, t.x, "after");
  t.graph.write(counter, t.apply(after, "same", step::mul(1.0f), {}));
  t.graph.output("y", t.apply(after, "y", step::mul(10.0f), {}));
  const plan::Plan plan = plan::make(t.graph, {});
  EXPECT_EQ(calls(plan, "copy"), 0);
  EXPECT_EQ(plan.state_bytes, 64);
  EXPECT_EQ(plan.peak_bytes(), plan.arena_bytes + plan.state_bytes + plan.packed_bytes);
  for (const Right& by : rights()) {
    EXPECT_EQ(replays(t.graph, {.backend = by.backend, .precision = by.precision}, 3),
              (Seen{{10}, {20}, {30}}));
  }
}

TEST(State, ARingShiftsAndAWriteGoesBehindTheLastRead) {
  Toy t({1, 8, 1, 1});
  const auto ring =
      t.graph.state({.name = "ring", .shape = {1, 8, 1, 1}, .exact = true, .entries = 3});
  const Value a = t.graph.read(ring, 0), b = t.graph.read(ring, 1), c = t.graph.read(ring, 2);
  // Each entry takes the next one's value, the last the sum: all are read after others are written.
  const Value sum = t.add(t.add(a, b, "ab"), c, "abc");
  t.graph.write(ring, b, 0);
  t.graph.write(ring, c, 1);
  t.graph.write(ring, sum, 2);
  t.graph.output("a", a);
  t.graph.output("sum", sum);
  for (const Right& by : rights()) {
    for (const bool layout : {true, false}) {
      plan::Options options{.backend = by.backend, .precision = by.precision};
      options.passes.layout = layout;
      EXPECT_EQ(replays(t.graph, options, 3), (Seen{{0, 3}, {1, 6}, {2, 11}}))
          << int(by.backend) << " " << layout;
    }
  }
}

TEST(State, TwoChangePlaces) {
  Toy t({1, 4, 1, 1});
  const auto pair = t.graph.state({.name = "pair", .shape = {1, 4, 1, 1}, .entries = 2});
  const Value a = t.graph.read(pair, 0), b = t.graph.read(pair, 1);
  t.graph.write(pair, b, 0);
  t.graph.write(pair, a, 1);
  t.graph.output("y", t.apply(a, "y", step::add(5.0f), {}));
  EXPECT_EQ(replays(t.graph, {}, 3), (Seen{{5}, {6}, {5}}));
}

TEST(State, RefusesWhatDoesNotFit) {
  Toy t({1, 4, 1, 1});
  const auto state = t.graph.state({.name = "s", .shape = {1, 4, 2, 1}});
  const auto refusal = [&](const auto& f) {
    try {
      f();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refusal([&] { t.graph.write(state, t.x); }),
            "the state 's' holds [1, 4, 2, 1], not [1, 4, 1, 1]");
  EXPECT_EQ(refusal([&] { (void)t.graph.read(state, 1); }),
            "the state 's' has 1 entries, none with number 1");
  t.graph.write(state, t.graph.read(state));
  EXPECT_EQ(refusal([&] { t.graph.write(state, t.graph.read(state)); }),
            "the state 's' is written twice");
}

// ---- Types.

TEST(Convert, AFactorOfActivationsPlansAndAgreesIn16Bits) {
  Toy t({2, 16, 6, 7});
  const Value mean = t.record({t.x}, "mean", reduce::Desc{}, {}, {});
  const Value gate = t.apply(t.conv(mean, "linear", {.out_channels = 16}), "sigmoid",
                             step::activate(Function::sigmoid), {});
  t.graph.output("y", t.apply(t.conv(t.x, "x", conv3x3(16)), "mul",
                              step::mul(Extent::sample_channel), {gate}));
  expect_agreement(t.graph, "mean -> linear -> mul");
}

TEST(Convert, AnExactStyleModulatesAndAgreesIn16Bits) {
  Toy t({2, 16, 6, 7});
  const Value style = t.graph.input("style", {2, 12, 1, 1}, true);
  const Value scale = t.conv(style, "linear", {.out_channels = 16});
  t.graph.output("y", t.apply(t.conv(t.x, "x", conv3x3(16)), "mul",
                              step::mul(Extent::sample_channel), {scale}));
  // The linear layer runs in f32, on weights of its own type: nothing is converted.
  plan::Options options{.backend = plan::Backend::gpu, .precision = plan::Precision::f16};
  options.gpu.multiprocessors = 4;
  options.gpu.compute = 80;
  const plan::Plan plan = plan::make(t.graph, options);
  EXPECT_EQ(calls(plan, "copy"), 0);
  expect_agreement(t.graph, "style -> linear -> mul");
}

}  // namespace
}  // namespace kintsugi
