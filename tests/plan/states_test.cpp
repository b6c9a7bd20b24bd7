// SPDX-License-Identifier: MIT
//
// States are written in place, outlive a replay and can be shared by two graphs; a stopped replay leaves
// each entry old or new. Every element of every entry holds a number of its own, so that a test fails when
// a region is off by an entry, a batch item, a pixel or a channel.
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using graph::Value;
using test::calls;
using test::Right;
using test::rights;
using test::Toy;

const Shape kShape{2, 8, 1, 2};  // of every entry
constexpr int64_t kElements = 32;

/// What an entry holds before the first replay, in the order n y x c.
float first(int64_t entry, int64_t element) {
  return static_cast<float>(kElements * entry + element);
}

void fill_states(execute::Executor& executor) {
  for (const plan::StateEntry& entry : executor.plan().states) {
    executor.fill(entry, [&](int64_t n, int64_t y, std::span<float> row) {
      const int64_t begin = (n * kShape.h() + y) * static_cast<int64_t>(row.size());
      for (size_t i = 0; i < row.size(); ++i) {
        row[i] = first(entry.entry, begin + static_cast<int64_t>(i));
      }
    });
  }
}

void write_ones(execute::Executor& executor) {
  for (const plan::Port& port : executor.plan().inputs) {
    executor.write_input(
        port.value, [](int64_t, int64_t, std::span<float> row) { std::ranges::fill(row, 1.0f); });
  }
}

std::vector<float> values_of(const execute::Executor& executor, const plan::Placed& value) {
  std::vector<float> all;
  executor.read(value, [&](int64_t, int64_t, std::span<const float> row) {
    all.insert(all.end(), row.begin(), row.end());
  });
  return all;
}

/// All outputs, one after the other.
std::vector<float> outputs_of(const execute::Executor& executor) {
  std::vector<float> all;
  for (const plan::Port& port : executor.plan().outputs) {
    const std::vector<float> one = values_of(executor, port.value);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

/// By replay: all outputs.
using Seen = std::vector<std::vector<float>>;

/// Runs a plan several times.
Seen replays(const graph::Graph& graph, const plan::Options& options, int times) {
  test::Bound bound(test::plan_here(graph, options));
  execute::Executor& executor = *bound.executor;
  fill_states(executor);
  write_ones(executor);
  Seen all;
  for (int i = 0; i < times; ++i) {
    executor.run({});
    all.push_back(outputs_of(executor));
  }
  return all;
}

/// The same of a model of one element: its number to its outputs, by replay.
template <class Model>
Seen modelled(const Model& model) {
  Seen all;
  for (int64_t element = 0; element < kElements; ++element) {
    const Seen one = model(element);
    all.resize(one.size(), std::vector<float>(one[0].size() * kElements));
    for (size_t replay = 0; replay < one.size(); ++replay) {
      for (size_t output = 0; output < one[replay].size(); ++output) {
        all[replay][output * kElements + static_cast<size_t>(element)] = one[replay][output];
      }
    }
  }
  return all;
}

/// Every backend, placed and not placed.
template <class F>
void each_way(const F& f) {
  for (const Right& by : rights()) {
    for (const bool layout : {true, false}) {
      plan::Options options{.backend = by.backend, .precision = by.precision};
      options.passes.layout = layout;
      SCOPED_TRACE("backend " + std::to_string(static_cast<int>(by.backend)) + " " +
                   plan::to_string(by.precision) + ", layout " + std::to_string(layout));
      f(options);
    }
  }
}

TEST(State, CountsReplaysAndIsWrittenInPlace) {
  Toy t(kShape);
  const auto counter = t.graph.state({.name = "counter", .shape = kShape});
  const Value before = t.graph.read(counter);
  const Value after = t.add(before, t.x, "after");
  t.graph.write(counter, t.apply(after, "same", step::mul(1.0f), {}));
  t.graph.output("y", t.apply(after, "y", step::mul(4.0f), {}));
  const plan::Plan plan = plan::make(t.graph, {});
  EXPECT_EQ(calls(plan, "copy"), 0);
  EXPECT_EQ(plan.state_bytes, 4 * kElements);
  EXPECT_EQ(plan.peak_bytes(), plan.arena_bytes + plan.state_bytes + plan.packed_bytes);
  const Seen right = modelled([](int64_t element) {
    const float x = first(0, element);
    return Seen{{4 * (x + 1)}, {4 * (x + 2)}, {4 * (x + 3)}};
  });
  each_way([&](const plan::Options& options) { EXPECT_EQ(replays(t.graph, options, 3), right); });
}

TEST(State, ARingShiftsAndAWriteGoesBehindTheLastRead) {
  Toy t(kShape);
  const auto ring = t.graph.state({.name = "ring", .shape = kShape, .exact = true, .entries = 3});
  const Value a = t.graph.read(ring, 0), b = t.graph.read(ring, 1), c = t.graph.read(ring, 2);
  // Each entry takes the next one's value, the last the sum: all are read after others are written.
  const Value sum = t.add(t.add(a, b, "ab"), c, "abc");
  t.graph.write(ring, b, 0);
  t.graph.write(ring, c, 1);
  t.graph.write(ring, sum, 2);
  t.graph.output("a", a);
  t.graph.output("sum", sum);
  const Seen right = modelled([](int64_t element) {
    float x = first(0, element), y = first(1, element), z = first(2, element);
    Seen seen;
    for (int replay = 0; replay < 3; ++replay) {
      const float all = x + y + z;
      seen.push_back({x, all});
      x = y, y = z, z = all;
    }
    return seen;
  });
  each_way([&](const plan::Options& options) { EXPECT_EQ(replays(t.graph, options, 3), right); });
}

TEST(State, TwoChangePlaces) {
  Toy t(kShape);
  const auto pair = t.graph.state({.name = "pair", .shape = kShape, .entries = 2});
  const Value a = t.graph.read(pair, 0), b = t.graph.read(pair, 1);
  t.graph.write(pair, b, 0);
  t.graph.write(pair, a, 1);
  t.graph.output("y", t.apply(a, "y", step::add(5.0f), {}));
  const Seen right = modelled([](int64_t element) {
    const float x = first(0, element) + 5, y = first(1, element) + 5;
    return Seen{{x}, {y}, {x}};
  });
  each_way([&](const plan::Options& options) { EXPECT_EQ(replays(t.graph, options, 3), right); });
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

// ---- Two graphs of one program.

/// Declares what both graphs have, in the order of both.
std::array<graph::StateId, 2> declare(graph::Graph& graph) {
  return {graph.state({.name = "sums", .shape = kShape, .entries = 2}),
          graph.state({.name = "last", .shape = kShape, .exact = true})};
}

TEST(State, OneGraphReadsWhatAnotherWrote) {
  Toy writer(kShape);
  const auto [sums, last] = declare(writer.graph);
  const Value sum = writer.add(writer.graph.read(sums, 1), writer.x, "sum");
  writer.graph.write(sums, sum, 1);  // no graph writes entry 0
  writer.graph.write(last, writer.apply(sum, "twice", step::mul(2.0f), {}));
  writer.graph.output("sum", sum);

  Toy reader(kShape);
  const auto [read_sums, read_last] = declare(reader.graph);
  const Value seen = reader.graph.read(read_last);
  reader.graph.output("kept", reader.graph.read(read_sums, 0));
  reader.graph.output("sum", reader.graph.read(read_sums, 1));
  reader.graph.output("last", seen);
  reader.graph.write(read_last, reader.apply(seen, "none", step::mul(0.0f), {}));

  const Seen right = modelled([](int64_t element) {
    const float kept = first(0, element), x = first(1, element);
    return Seen{{kept, x + 1, 2 * (x + 1)}, {kept, x + 1, 0}, {kept, x + 2, 2 * (x + 2)}};
  });
  each_way([&](const plan::Options& options) {
    test::Bound writes(test::plan_here(writer.graph, options));
    test::Bound reads(test::plan_here(reader.graph, options));
    reads.share_states(writes);
    fill_states(*writes.executor);
    write_ones(*writes.executor);
    write_ones(*reads.executor);
    Seen found;
    for (const bool is_written : {true, false, true}) {
      if (is_written) writes.executor->run({});
      reads.executor->run({});
      found.push_back(outputs_of(*reads.executor));
    }
    EXPECT_EQ(found, right);
  });
}

// ---- Replays that do not end well.

/// One entry is written by the first step, one by a later step, one by a copy at the end.
graph::Graph of_three_writes() {
  Toy t(kShape);
  const auto state = t.graph.state({.name = "state", .shape = kShape, .entries = 3});
  const Value a = t.graph.read(state, 0), b = t.graph.read(state, 1), c = t.graph.read(state, 2);
  const Value early = t.conv(a, "early", {.out_channels = 8});
  const Value middle = t.conv(t.add(b, early, "both"), "middle", {.out_channels = 8});
  const Value late = t.relu(t.conv(t.add(middle, c, "all"), "late", {.out_channels = 8}), "relu");
  t.graph.write(state, early, 0);
  t.graph.write(state, middle, 1);
  t.graph.write(state, b, 2);
  t.graph.output("late", t.add(late, t.x, "y"));
  return t.graph;
}

std::vector<std::vector<float>> states_of(const execute::Executor& executor) {
  std::vector<std::vector<float>> all;
  for (const plan::StateEntry& entry : executor.plan().states) {
    all.push_back(values_of(executor, entry.value));
  }
  return all;
}

/// Stops a run at every step in turn, by `hooks_of` a step, which throw `code`. States may have been
/// written by then; inputs are kept, and once the states are filled again a run gives the same bits.
template <class HooksOf>
void expect_usable_after(ErrorCode code, const HooksOf& hooks_of) {
  const graph::Graph graph = of_three_writes();
  each_way([&](const plan::Options& options) {
    test::Bound bound(test::plan_here(graph, options));
    execute::Executor& executor = *bound.executor;
    write_ones(executor);
    fill_states(executor);
    const auto before = states_of(executor);
    executor.run({});
    const std::vector<float> right = outputs_of(executor);
    const auto after = states_of(executor);
    const auto steps = static_cast<int>(executor.plan().steps.size());
    ASSERT_GE(steps, 3);
    for (int stopped = 0; stopped < steps; ++stopped) {
      fill_states(executor);
      try {
        executor.run(hooks_of(stopped));
        ADD_FAILURE() << "the run was not stopped at step " << stopped;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), code);
      }
      const auto left = states_of(executor);
      for (size_t i = 0; i < left.size(); ++i) {
        EXPECT_TRUE(left[i] == before[i] || left[i] == after[i])
            << "step " << stopped << ", entry " << i << " is half written";
      }
      fill_states(executor);
      executor.run({});
      EXPECT_EQ(outputs_of(executor), right) << "after a run that stopped at step " << stopped;
      EXPECT_EQ(states_of(executor), after) << "after a run that stopped at step " << stopped;
    }
  });
}

TEST(State, AStoppedRunLeavesAnExecutorThatRuns) {
  expect_usable_after(ErrorCode::cancelled, [](int stopped) {
    return execute::Executor::Hooks{.before = [=](int step) { return step < stopped; }};
  });
}

TEST(State, AFailedRunLeavesAnExecutorThatRuns) {
  expect_usable_after(ErrorCode::internal, [](int stopped) {
    return execute::Executor::Hooks{.after = [=](int step) {
      if (step == stopped) throw Error(ErrorCode::internal, "a step failed");
    }};
  });
}

}  // namespace
}  // namespace kintsugi
