// SPDX-License-Identifier: MIT
//
// Plans within a limit: they fit, the layers that leave Winograd's form are those that gain least for
// their bytes, and none of them has to.
#include "runtime/session/impl.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using graph::Graph;
using graph::Value;
using test::relative_l2;
using test::Toy;
using Names = std::set<std::string>;

constexpr conv2d::Desc conv3x3(int64_t channels, int64_t stride = 1) {
  return {.out_channels = channels, .kernel = 3, .stride = stride, .padding = 1};
}

plan::Options options_here(int threads = 1) { return {.isa = simd::chosen(), .threads = threads}; }

plan::Plan direct_plan(const Graph& graph, plan::Options options) {
  options.passes.winograd = false;
  return plan::make(graph, options);
}

/// Names of the filters that a plan has in Winograd's form.
Names in_form(const plan::Plan& plan) {
  Names names;
  for (const plan::PlanStep& step : plan.steps) {
    if (!step.work.loses_a_digit()) continue;
    const plan::Packed& filters = plan.packed[static_cast<size_t>(step.weights[0])];
    names.insert(plan.constants[static_cast<size_t>(filters.constant.index)].name);
  }
  return names;
}

Names without(const Names& names, const Names& others) {
  Names rest;
  std::ranges::set_difference(names, others, std::inserter(rest, rest.end()));
  return rest;
}

/// The plan fits, and with any one direct layer back in the form it would not.
void expect_no_more_would_fit(const Graph& graph, const plan::Options& options, int64_t limit) {
  const plan::Plan plan = session::make_plan(graph, options, limit);
  EXPECT_LE(plan.peak_bytes(), limit);
  const Names direct = without(in_form(plan::make(graph, options)), in_form(plan));
  for (const std::string& back : direct) {
    plan::Options more = options;
    more.direct = without(direct, {back});
    EXPECT_GT(plan::make(graph, more).peak_bytes(), limit) << back << ", limit " << limit;
  }
}

/// The last output of a plan on random input; its memory is what it said (test::Bound).
std::vector<float> run(plan::Plan plan) {
  const int threads = 2;
  test::Bound bound(std::move(plan), threads);
  execute::Executor& executor = *bound.executor;
  for (const plan::Port& port : executor.plan().inputs) {
    executor.write_input(port.value, [](int64_t n, int64_t y, std::span<float> row) {
      const auto values =
          test::noise(static_cast<int64_t>(row.size()), static_cast<uint64_t>(n * 1000 + y));
      std::ranges::copy(values, row.begin());
    });
  }
  executor.run({});
  std::vector<float> all;
  executor.read(executor.plan().outputs.back().value,
                [&](int64_t, int64_t, std::span<const float> row) {
                  all.insert(all.end(), row.begin(), row.end());
                });
  return all;
}

/// The name of the filters that a convolution reads.
std::string filters_of(const Toy& t, Value conv) {
  return t.graph.constant(t.graph.node(conv).weights[0]).name;
}

/// Filters by their layers' names.
struct Layers {
  Graph graph;
  std::map<std::string, std::string> filters;
};

/// Layers whose filters are read for many pixels, and for few; of few and of many channels.
Layers narrowing() {
  Toy t({1, 3, 64, 64});
  std::map<std::string, std::string> filters;
  const auto conv = [&](Value x, const std::string& name, const conv2d::Desc& desc) {
    const Value y = t.conv(x, name, desc);
    filters[name] = filters_of(t, y);
    return t.relu(y, name + ".relu");
  };
  Value x = conv(t.x, "in", conv3x3(32));
  x = conv(x, "wide1", conv3x3(32));
  x = conv(x, "wide2", conv3x3(32));
  x = conv(x, "down", conv3x3(64, 2));
  x = conv(x, "deep1", conv3x3(64));
  x = conv(x, "deep2", conv3x3(96));
  t.graph.output("y", x);
  return {std::move(t.graph), std::move(filters)};
}

TEST(Limit, LayersLeaveTheFormUntilThePlanFits) {
  const Layers n = narrowing();
  const plan::Options options = options_here();
  const plan::Plan all = plan::make(n.graph, options), none = direct_plan(n.graph, options);
  ASSERT_EQ(in_form(all).size(), 4u);
  ASSERT_LT(none.peak_bytes(), all.peak_bytes());
  const std::vector<float> right = run(none);
  std::set<Names> seen;
  for (int part = 0; part <= 16; ++part) {
    const int64_t limit = none.peak_bytes() + (all.peak_bytes() - none.peak_bytes()) * part / 16;
    expect_no_more_would_fit(n.graph, options, limit);
    plan::Plan plan = session::make_plan(n.graph, options, limit);
    EXPECT_EQ(plan.packed_bytes,  // the same plan each time
              session::make_plan(n.graph, options, limit).packed_bytes);
    if (!seen.insert(in_form(plan)).second) continue;
    EXPECT_LT(relative_l2(run(std::move(plan)), right), 1e-5) << "limit " << limit;
  }
  EXPECT_GE(seen.size(), 4u);
  EXPECT_TRUE(seen.contains({})) << "at the limit of the direct plan";
  EXPECT_TRUE(seen.contains(in_form(all))) << "at its own";
}

TEST(Limit, ThoseOfFewPixelsLeaveFirst) {
  const Layers n = narrowing();
  const plan::Options options = options_here();
  plan::Options wide = options;
  wide.direct = {n.filters.at("deep1"), n.filters.at("deep2")};
  const plan::Plan expected = plan::make(n.graph, wide);
  ASSERT_EQ(in_form(expected), Names({n.filters.at("wide1"), n.filters.at("wide2")}));
  const plan::Plan plan = session::make_plan(n.graph, options, expected.peak_bytes());
  EXPECT_EQ(in_form(plan), in_form(expected));
  EXPECT_EQ(plan.peak_bytes(), expected.peak_bytes());
}

TEST(Limit, ScratchCounts) {
  const Layers n = narrowing();
  for (const int threads : {1, 4, 16, 64}) {
    const plan::Options options = options_here(threads);
    const plan::Plan all = plan::make(n.graph, options), none = direct_plan(n.graph, options);
    for (int part = 0; part <= 8; ++part) {
      expect_no_more_would_fit(
          n.graph, options, none.peak_bytes() + (all.peak_bytes() - none.peak_bytes()) * part / 8);
    }
    // With this many threads the scratch of the deepest layer sets the size of the arena. Without it the
    // others fit.
    if (threads < 64) continue;
    plan::Options shallow = options;
    shallow.direct = {n.filters.at("deep2")};
    const int64_t limit = plan::make(n.graph, shallow).peak_bytes();
    EXPECT_EQ(in_form(session::make_plan(n.graph, options, limit)),
              without(in_form(all), shallow.direct));
  }
}

// The order says that the small layer leaves first; the limit, that the large one has to.
TEST(Limit, ALayerReturnsWhereALaterOneMadeTheRoom) {
  Toy t({1, 32, 64, 64});
  Value x = t.conv(t.x, "in", {.out_channels = 128, .kernel = 1});
  x = t.conv(x, "large", conv3x3(128));
  const std::string large = filters_of(t, x);
  x = t.conv(x, "down", conv3x3(32, 2));
  t.graph.output("y", t.conv(x, "small", conv3x3(32)));
  plan::Options options;
  const Names all = in_form(plan::make(t.graph, options));
  ASSERT_EQ(all.size(), 2u);
  plan::Options expected = options;
  expected.direct = {large};
  const int64_t limit = plan::make(t.graph, expected).peak_bytes();
  EXPECT_EQ(in_form(session::make_plan(t.graph, options, limit)), without(all, {large}));
  expect_no_more_would_fit(t.graph, options, limit);
}

// Three deep layers' filters would make as much room as the scratch of the wide one, which does less work.
TEST(Limit, ScratchMakesALayerLessUseful) {
  Toy t({1, 3, 64, 64});
  Value x = t.conv(t.x, "in", {.out_channels = 64, .kernel = 1});
  x = t.conv(x, "wide", conv3x3(64));
  const std::string wide = filters_of(t, x);
  x = t.conv(x, "down", conv3x3(96, 2));
  Names deep;
  for (int i = 0; i < 6; ++i) {
    x = t.conv(x, "deep" + std::to_string(i), conv3x3(96));
    if (i < 3) deep.insert(filters_of(t, x));
  }
  t.graph.output("y", x);
  plan::Options options{.threads = 256};
  const Names all = in_form(plan::make(t.graph, options));
  ASSERT_EQ(all.size(), 7u);
  plan::Options by_filters = options;
  by_filters.direct = deep;
  const int64_t limit = plan::make(t.graph, by_filters).peak_bytes();
  EXPECT_EQ(in_form(session::make_plan(t.graph, options, limit)), without(all, {wide}));
}

/// In the direct form "kept" reads a value of its own, as large as its filters are in Winograd's.
Layers with_prologue() {
  Toy t({1, 32, 64, 64});
  std::map<std::string, std::string> filters;
  const auto conv = [&](Value x, const std::string& name, const conv2d::Desc& desc) {
    const Value y = t.conv(x, name, desc);
    filters[name] = filters_of(t, y);
    return y;
  };
  const Value a = conv(t.x, "in", {.out_channels = 32, .kernel = 1});
  const Value b = t.apply(a, "silu", step::activate(Function::silu), {});
  const Value c = t.add(conv(b, "kept", conv3x3(32)), a, "residual");
  Value x = conv(c, "down", conv3x3(64, 2));
  x = conv(x, "deep1", conv3x3(64));
  t.graph.output("y", conv(x, "deep2", conv3x3(64)));
  return {std::move(t.graph), std::move(filters)};
}

TEST(Limit, ALayerThatSavesMemoryStaysInTheForm) {
  const Layers n = with_prologue();
  const plan::Options options = options_here();
  plan::Options deep = options;
  deep.direct = {n.filters.at("deep1"), n.filters.at("deep2")};
  const plan::Plan least = plan::make(n.graph, deep);
  ASSERT_EQ(in_form(least), Names({n.filters.at("kept")}));
  const int64_t limit = least.peak_bytes();
  ASSERT_GT(plan::make(n.graph, options).peak_bytes(), limit);
  const plan::Plan none = direct_plan(n.graph, options);
  ASSERT_GT(none.peak_bytes(), limit) << "or the direct form has no value more";
  const plan::Plan plan = session::make_plan(n.graph, options, limit);
  EXPECT_EQ(in_form(plan), in_form(least));
  EXPECT_LT(relative_l2(run(plan), run(none)), 1e-5);
  try {
    (void)session::make_plan(n.graph, options, limit - 1);
    FAIL() << "no plan is smaller";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
  }
}

TEST(Limit, EveryLayerByNameIsTheDirectPlan) {
  const auto same = [](const std::string& name) { return name; };
  for (const Layers& n : {narrowing(), with_prologue()}) {
    plan::Options options = options_here();
    const plan::Plan none = direct_plan(n.graph, options);
    options.direct = in_form(plan::make(n.graph, options));
    const plan::Plan named = plan::make(n.graph, options);
    EXPECT_EQ(plan::table(named, same), plan::table(none, same));
    EXPECT_EQ(named.peak_bytes(), none.peak_bytes());
  }
}

TEST(Limit, NoFormToLeaveIsRefusedWithWhatItNeeds) {
  Toy t({1, 8, 16, 16});
  t.graph.output("y", t.conv(t.x, "conv", conv3x3(8)));
  const plan::Options options = options_here();
  const int64_t needs = plan::make(t.graph, options).peak_bytes();
  EXPECT_EQ(session::make_plan(t.graph, options, needs).peak_bytes(), needs);
  EXPECT_THROW((void)session::make_plan(t.graph, options, needs - 1), Error);
}

}  // namespace
}  // namespace kintsugi
