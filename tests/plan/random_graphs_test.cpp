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
#include <cstdlib>
#include <map>

#include "tests/plan/graph_judge.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using plan::Backend;
using plan::Precision;
using test::FormatIndex;
using test::kFormats;
using test::RandomGraph;
using test::Verdict;

constexpr int kShards = 4;  // tests that share the seeds

constexpr const char* kPasses[] = {"none",   "fold",  "fuse",     "select",
                                   "layout", "place", "winograd", "all but keeping"};
constexpr size_t kPassCount = std::size(kPasses);

void leave_out(plan::Options& options, size_t pass) {
  switch (pass) {
    case 1: options.passes.fold = false; break;
    case 2: options.passes.fuse = false; break;
    case 3: options.passes.select = false; break;
    case 4: options.passes.layout = false; break;
    case 5: options.passes.place = false; break;
    case 6: options.passes.winograd = false; break;
    case 7: options.keep_all = true; break;
    default: break;
  }
}

/// One way to run a graph: everything but the pass that is left out.
struct Way {
  std::string name;
  plan::Options options;
  FormatIndex format;
};

std::vector<Way> ways() {
  std::vector<Way> all{
      {"reference_f64", {.backend = Backend::reference_f64}, test::kF64},
      {"reference_f32", {.backend = Backend::reference_f32}, test::kF32},
  };
  for (const simd::Isa isa : simd::available()) {
    all.push_back({std::string("cpu ") + simd::to_string(isa),
                   {.backend = Backend::cpu, .isa = isa},
                   test::kF32});
  }
  if (!test::has_gpu()) return all;
  for (const auto& [precision, format] : {std::pair{Precision::f32, test::kF32},
                                          {Precision::tf32, test::kTf32},
                                          {Precision::f16, test::kF16},
                                          {Precision::bf16, test::kBf16}}) {
    all.push_back({std::string("gpu ") + plan::to_string(precision),
                   {.backend = Backend::gpu, .precision = precision, .gpu = device::info()},
                   format});
  }
  return all;
}

using Outputs = std::vector<std::vector<double>>;

/// `times` runs of one executor, which have to agree in every bit.
Outputs run(const RandomGraph& drawn, plan::Plan plan, int threads, int times) {
  test::Bound bound(std::move(plan), threads);
  execute::Executor& executor = *bound.executor;
  const auto from = [&](const graph::Node& node) {
    return [&](int64_t n, int64_t y, std::span<float> row) {
      const int64_t channels = node.shapes[0].c();
      for (int64_t i = 0; i < static_cast<int64_t>(row.size()); ++i) {
        row[static_cast<size_t>(i)] = drawn.input(node, n, i % channels, y, i / channels);
      }
    };
  };
  const auto named = [&](const std::string& name) {
    return std::ranges::find_if(drawn.graph.nodes,
                                [&](const graph::Node& n) { return n.name() == name; });
  };
  for (const plan::Port& port : executor.plan().inputs) {
    executor.write_input(port.value, from(*named(port.name)));
  }
  Outputs first;
  for (int time = 0; time < times; ++time) {
    for (const plan::StateEntry& entry : executor.plan().states) {
      executor.fill(entry, from(*named(entry.name)));
    }
    executor.run({});
    Outputs all;
    const auto take = [&](const plan::Placed& value) {
      all.emplace_back();
      executor.read(value, [&](int64_t, int64_t, std::span<const float> row) {
        all.back().insert(all.back().end(), row.begin(), row.end());
      });
    };
    for (const plan::Port& port : executor.plan().outputs) take(port.value);
    for (const graph::Write& write : drawn.graph.writes) {
      const std::string& name = drawn.graph.states[static_cast<size_t>(write.state.index)].name;
      take(std::ranges::find_if(executor.plan().states, [&](const plan::StateEntry& entry) {
             return entry.name == name && entry.entry == write.entry;
           })->value);
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

/// Those asked for by KINTSUGI_GRAPHS, or 1 to 100.
std::pair<uint64_t, uint64_t> seeds() {
  unsigned long first = 1, last = 100;
  const char* asked = std::getenv("KINTSUGI_GRAPHS");
  if (asked != nullptr && std::sscanf(asked, "%lu:%lu", &first, &last) != 2) {
    throw std::runtime_error("KINTSUGI_GRAPHS is not first:last");
  }
  return {first, last};
}

TEST_P(RandomGraphs, AreWhatTheJudgeSays) {
  const auto [first, last] = seeds();
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
