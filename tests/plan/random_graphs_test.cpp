// SPDX-License-Identifier: MIT
//
// Random graphs, planned with each pass left out in turn and run on every backend with NaN in dead
// memory, are held against the judge: every graph meets every pass on every backend, instruction set
// and precision, but for wide graphs on an emulated GPU, which meet one pass in each precision. Plans
// are made for 1 thread and for 3 in turn; the whole plan is run with both, and twice, and has to give
// the same bits.
//
//   KINTSUGI_GRAPHS=first:last test_plan --gtest_filter='*RandomGraphs*'     other seeds than 1:100
#include <cstdio>
#include <map>

#include "tests/plan/random_runs.h"

namespace kintsugi {
namespace {

using plan::Backend;
using test::FormatIndex;
using test::kFormats;
using test::kPassCount;
using test::kPasses;
using test::leave_out;
using test::Outputs;
using test::RandomGraph;
using test::Verdict;
using test::Way;
using test::ways;

constexpr int kShards = 4;  // tests that share the seeds

/// `times` runs of one executor, which have to agree in every bit; what no run writes to is kept. The
/// outputs, then what is written to states (test::ends_of).
Outputs run(const RandomGraph& drawn, plan::Plan plan, int threads, int times) {
  test::Bound bound(std::move(plan), threads);
  execute::Executor& executor = *bound.executor;
  const std::vector<plan::StateEntry>& entries = executor.plan().states;
  test::write_inputs(executor, drawn);
  Outputs first;
  for (int time = 0; time < times; ++time) {
    test::fill_states(executor, drawn);
    const Outputs before = test::states_of(executor);
    executor.run({});
    Outputs all = test::outputs_of(executor);
    const Outputs after = test::states_of(executor);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (test::writes(drawn.graph, entries[i])) continue;
      EXPECT_TRUE(test::same_bits(after[i], before[i]))
          << "seed " << drawn.seed << ": a run changed " << entries[i].name << " "
          << entries[i].entry << ", which it does not write";
    }
    for (const graph::Write& write : drawn.graph.writes) {
      const std::string& name = drawn.graph.states[static_cast<size_t>(write.state.index)].name;
      const auto entry = std::ranges::find_if(entries, [&](const plan::StateEntry& e) {
        return e.name == name && e.entry == write.entry;
      });
      all.push_back(after[static_cast<size_t>(entry - entries.begin())]);
    }
    for (size_t i = 0; i < first.size(); ++i) {
      EXPECT_TRUE(test::same_bits(all[i], first[i])) << "a second run gives other bits";
    }
    first = std::move(all);
  }
  return first;
}

bool uses_winograd(const plan::Plan& plan) {
  return std::ranges::any_of(plan.steps,
                             [](const plan::PlanStep& step) { return step.work.loses_a_digit(); });
}

class RandomGraphs : public testing::TestWithParam<int> {
 protected:
  struct Count {
    int judged = 0, unjudged = 0;
  };
  std::map<std::string, Count> outputs_;             // by format
  std::map<std::string, std::array<int, 2>> plans_;  // by format: made, refused
  std::map<std::pair<std::string, size_t>, int> met_;
  bool graph_was_printed_ = false;

  void fail(const RandomGraph& drawn, const std::string& what) {
    ADD_FAILURE() << "seed " << drawn.seed << ", " << what << "\n"
                  << (graph_was_printed_ ? "" : drawn.text());
    graph_was_printed_ = true;
  }

  void compare(const RandomGraph& drawn, const std::string& where, const Way& way,
               const std::vector<Verdict>& verdicts, const Outputs& found, bool winograd) {
    const test::Format& format = kFormats[way.format];
    for (size_t i = 0; i < verdicts.size(); ++i) {
      const double least = winograd ? test::kWinogradBound : format.op_bound;
      const double bound = std::max(format.noise_factor * verdicts[i].noise, least);
      Count& count = outputs_[format.name];
      if (!(bound <= test::kSaneBound)) {
        ++count.unjudged;
        continue;
      }
      ++count.judged;
      const double error = test::relative_l2(found[i], verdicts[i].right);
      if (error <= bound) continue;
      const std::string name =
          i < drawn.graph.outputs.size() ? drawn.graph.outputs[i].name : "to a state";
      fail(drawn, where + ": output " + name + " is off by " + std::to_string(error * 1e6) +
                      "e-6, bound " + std::to_string(bound * 1e6) + "e-6");
    }
  }

  void try_way(const RandomGraph& drawn, Way way, size_t pass,
               const std::vector<Verdict>& verdicts) {
    const bool whole = pass == 0;
    leave_out(way.options, pass);
    way.options.threads = (drawn.seed + pass) % 2 == 0 ? 1 : 3;
    const std::string where = way.name + ", left out: " + kPasses[pass] + ", " +
                              std::to_string(way.options.threads) + " threads";
    ++met_[{way.name, pass}];
    try {
      const plan::Plan plan = plan::make(drawn.graph, way.options);
      ++plans_[kFormats[way.format].name][0];
      const bool on_host = plan.backend != Backend::gpu;
      const Outputs found = run(drawn, plan, way.options.threads, whole && on_host ? 2 : 1);
      compare(drawn, where, way, verdicts, found, uses_winograd(plan));
      if (!whole || !on_host) return;
      way.options.threads = 4 - way.options.threads;
      const Outputs other =
          run(drawn, plan::make(drawn.graph, way.options), way.options.threads, 1);
      for (size_t i = 0; i < found.size(); ++i) {
        if (test::same_bits(other[i], found[i])) continue;
        fail(drawn, where + ": another number of threads gives other bits");
      }
    } catch (const Error& error) {
      ++plans_[kFormats[way.format].name][1];
      fail(drawn, where + ": " + error.what());  // every graph that is drawn can be planned
    }
  }

  void try_graph(uint64_t seed) {
    graph_was_printed_ = false;
    const RandomGraph drawn(seed);
    const test::Judge judge(drawn);
    std::map<FormatIndex, std::vector<Verdict>> verdicts;
    size_t turn = static_cast<size_t>(seed);
    for (const Way& way : ways()) {
      const bool on_gpu = way.options.backend == Backend::gpu;
      if (!verdicts.contains(way.format)) verdicts[way.format] = judge.judge(way.format);
      for (size_t pass = 0; pass < kPassCount; ++pass) {
        if (on_gpu && way.options.gpu.emulated && drawn.wide && pass != turn % kPassCount) continue;
        try_way(drawn, way, pass, verdicts[way.format]);
      }
      ++turn;
    }
  }
};

TEST_P(RandomGraphs, AreWhatTheJudgeSays) {
  const auto [first, last] = test::seeds();
  for (uint64_t seed = first + static_cast<uint64_t>(GetParam()); seed <= last; seed += kShards) {
    try_graph(seed);
  }
  for (const test::Format& format : kFormats) {
    const Count count = outputs_[format.name];
    const auto [made, refused] = plans_[format.name];
    std::printf("%s: %d plans, %d refused; %d outputs judged, %d too ill-conditioned\n",
                format.name, made, refused, count.judged, count.unjudged);
    RecordProperty(std::string(format.name) + "_judged", count.judged);
    RecordProperty(std::string(format.name) + "_unjudged", count.unjudged);
    RecordProperty(std::string(format.name) + "_refused", refused);
    EXPECT_EQ(refused, 0) << format.name;
    if (last - first < 99) continue;  // a share of a few says nothing
    EXPECT_LE(count.unjudged, format.most_unjudged * (count.judged + count.unjudged))
        << format.name;
  }
  if (last - first < 99) return;
  for (const Way& way : ways()) {
    for (size_t pass = 0; pass < kPassCount; ++pass) {
      EXPECT_GE((met_[{way.name, pass}]), 4) << way.name << ", left out: " << kPasses[pass];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Plans, RandomGraphs, testing::Range(0, kShards));

}  // namespace
}  // namespace kintsugi
