// SPDX-License-Identifier: MIT
//
// Two random graphs over one set of states, as graphs of one program run: one after the other, each
// planned without a pass of its own. The second computes the same bits from states that the first has
// written as from the same numbers filled in; then the first runs again, on the states that the second
// has written. random_graphs_test.cpp judges single graphs. The reference in double is left out, because
// states are read and filled as floats.
#include <cstdio>

#include "tests/plan/random_runs.h"

namespace kintsugi {
namespace {

using test::Outputs;
using test::RandomGraph;
using test::same_bits;

/// Counts over the pairs of all seeds, so that a test without cases does not pass.
struct Count {
  int pairs = 0, handed_on = 0, written_by_both = 0, kept = 0;
};

/// Runs `plan` on the states of `on`, and alone on the same numbers.
void run_beside(const plan::Plan& plan, const RandomGraph& drawn, const test::Bound& on) {
  test::Bound shared(plan), alone(plan);
  shared.share_states(on);
  for (test::Bound* bound : {&shared, &alone}) test::write_inputs(*bound->executor, drawn);
  const Outputs before = test::states_of(*shared.executor);
  const std::vector<plan::StateEntry>& entries = plan.states;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Shape& shape = entries[i].value.shape;
    alone.executor->fill(entries[i], [&](int64_t n, int64_t y, std::span<float> row) {
      const auto begin = static_cast<size_t>(n * shape.h() + y) * row.size();
      for (size_t x = 0; x < row.size(); ++x) row[x] = static_cast<float>(before[i][begin + x]);
    });
  }
  for (test::Bound* bound : {&shared, &alone}) bound->executor->run({});
  const Outputs found = test::outputs_of(*shared.executor);
  const Outputs right = test::outputs_of(*alone.executor);
  for (size_t i = 0; i < right.size(); ++i) {
    EXPECT_TRUE(same_bits(found[i], right[i])) << "output " << plan.outputs[i].name;
  }
  const Outputs after = test::states_of(*shared.executor);
  const Outputs written = test::states_of(*alone.executor);
  for (size_t i = 0; i < entries.size(); ++i) {
    const bool is_written = test::writes(drawn.graph, entries[i]);
    EXPECT_TRUE(same_bits(after[i], is_written ? written[i] : before[i]))
        << entries[i].name << " " << entries[i].entry;
  }
}

void count(const RandomGraph& a, const RandomGraph& b, const plan::Plan& plan, Count& counted) {
  ++counted.pairs;
  for (const plan::StateEntry& entry : plan.states) {
    const bool by_a = test::writes(a.graph, entry), by_b = test::writes(b.graph, entry);
    counted.handed_on += by_a ? 1 : 0;
    counted.written_by_both += by_a && by_b ? 1 : 0;
    counted.kept += by_a && !by_b ? 1 : 0;
  }
}

TEST(RandomStates, OneGraphReadsWhatAnotherWrote) {
  Count counted;
  const std::vector<test::Way> ways = test::ways();
  const auto [begin, last] = test::seeds();
  for (uint64_t seed = begin; seed <= last; ++seed) {
    const RandomGraph a(seed);
    if (a.graph.writes.empty()) continue;
    const RandomGraph b(1000 + seed, a.graph.states);
    for (size_t i = 0; i < ways.size(); ++i) {
      const test::Way& way = ways[i];
      if (way.format == test::kF64) continue;
      const bool emulated = way.options.backend == plan::Backend::gpu && way.options.gpu.emulated;
      if (emulated && (a.wide || b.wide)) continue;
      // Both plans need the same pitch of states: layout is left out of both or of neither.
      const size_t pass_a = (seed + i) % test::kPassCount,
                   pass_b = (seed / 8 + i) % test::kPassCount;
      const bool layout = pass_a != test::kLayout && pass_b != test::kLayout;
      const auto plan_of = [&](const RandomGraph& drawn, size_t pass) {
        plan::Options options = way.options;
        test::leave_out(options, pass);
        options.passes.layout = layout;
        return plan::make(drawn.graph, options);
      };
      const plan::Plan first = plan_of(a, pass_a), second = plan_of(b, pass_b);
      SCOPED_TRACE("seed " + std::to_string(seed) + ", " + way.name + "\n" + a.text() + b.text());
      if (i == 1) count(a, b, first, counted);
      test::Bound bound(first);
      test::write_inputs(*bound.executor, a);
      test::fill_states(*bound.executor, a);
      bound.executor->run({});
      run_beside(second, b, bound);
      run_beside(first, a, bound);
    }
  }
  std::printf("%d pairs; entries: %d handed on, %d of them written by both, %d kept\n",
              counted.pairs, counted.handed_on, counted.written_by_both, counted.kept);
  if (last - begin < 99) return;
  EXPECT_GE(counted.pairs, 15);
  EXPECT_GE(counted.handed_on, 15);
  EXPECT_GE(counted.written_by_both, 5);
  EXPECT_GE(counted.kept, 3);
}

}  // namespace
}  // namespace kintsugi
