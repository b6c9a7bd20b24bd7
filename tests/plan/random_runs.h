// SPDX-License-Identifier: MIT
//
// The ways in which random graphs are planned and run, and what stands in their inputs and states.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "tests/plan/graph_judge.h"
#include "tests/plan/support.h"

namespace kintsugi::test {

/// Those asked for by KINTSUGI_GRAPHS, or 1 to 100.
inline std::pair<uint64_t, uint64_t> seeds() {
  unsigned long first = 1, last = 100;
  const char* asked = std::getenv("KINTSUGI_GRAPHS");
  if (asked != nullptr && std::sscanf(asked, "%lu:%lu", &first, &last) != 2) {
    throw std::runtime_error("KINTSUGI_GRAPHS is not first:last");
  }
  return {first, last};
}

constexpr const char* kPasses[] = {"none",   "fold",  "fuse",     "select",
                                   "layout", "place", "winograd", "all but keeping"};
constexpr size_t kPassCount = std::size(kPasses);
constexpr size_t kLayout = 4;

inline void leave_out(plan::Options& options, size_t pass) {
  switch (pass) {
    case 1: options.passes.fold = false; break;
    case 2: options.passes.fuse = false; break;
    case 3: options.passes.select = false; break;
    case kLayout: options.passes.layout = false; break;
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

inline std::vector<Way> ways() {
  using plan::Backend;
  using plan::Precision;
  std::vector<Way> all{
      {"reference_f64", {.backend = Backend::reference_f64}, kF64},
      {"reference_f32", {.backend = Backend::reference_f32}, kF32},
  };
  for (const simd::Isa isa : simd::available()) {
    all.push_back(
        {std::string("cpu ") + simd::to_string(isa), {.backend = Backend::cpu, .isa = isa}, kF32});
  }
  if (!has_gpu()) return all;
  for (const auto& [precision, format] : {std::pair{Precision::f32, kF32},
                                          {Precision::tf32, kTf32},
                                          {Precision::f16, kF16},
                                          {Precision::bf16, kBf16}}) {
    all.push_back({std::string("gpu ") + plan::to_string(precision),
                   {.backend = Backend::gpu, .precision = precision, .gpu = device::info()},
                   format});
  }
  return all;
}

/// What `drawn` says of an input, or of an entry of a state before a run.
inline execute::WriteRow rows_of(const RandomGraph& drawn, std::string name, graph::Input of) {
  return [&drawn, name = std::move(name), of = std::move(of)](int64_t n, int64_t y,
                                                              std::span<float> row) {
    const int64_t channels = of.shape.c();
    for (int64_t i = 0; i < static_cast<int64_t>(row.size()); ++i) {
      row[static_cast<size_t>(i)] = drawn.input(name, of, n, i % channels, y, i / channels);
    }
  };
}

inline void write_inputs(execute::Executor& executor, const RandomGraph& drawn) {
  for (const plan::Port& port : executor.plan().inputs) {
    const auto recorded = std::ranges::find(drawn.graph.inputs, port.name, &graph::Port::name);
    const graph::Node& node = drawn.graph.node(recorded->value);
    executor.write_input(port.value, rows_of(drawn, port.name, std::get<graph::Input>(node.does)));
  }
}

inline void fill_states(execute::Executor& executor, const RandomGraph& drawn) {
  for (const plan::StateEntry& entry : executor.plan().states) {
    const graph::State& state =
        *std::ranges::find(drawn.graph.states, entry.name, &graph::State::name);
    executor.fill(entry,
                  rows_of(drawn, entry.name,
                          {.shape = state.shape, .exact = state.exact, .entry = entry.entry}));
  }
}

/// Whether a replay of a graph ends with a write to an entry.
inline bool writes(const graph::Graph& graph, const plan::StateEntry& entry) {
  return std::ranges::any_of(graph.writes, [&](const graph::Write& write) {
    return graph.states[static_cast<size_t>(write.state.index)].name == entry.name &&
           write.entry == entry.entry;
  });
}

using Outputs = std::vector<std::vector<double>>;

inline std::vector<double> values_of(const execute::Executor& executor, const plan::Placed& value) {
  std::vector<double> all;
  executor.read(value, [&](int64_t, int64_t, std::span<const float> row) {
    all.insert(all.end(), row.begin(), row.end());
  });
  return all;
}
inline Outputs outputs_of(const execute::Executor& executor) {
  Outputs all;
  for (const plan::Port& port : executor.plan().outputs) {
    all.push_back(values_of(executor, port.value));
  }
  return all;
}
/// Every entry of every state, in order.
inline Outputs states_of(const execute::Executor& executor) {
  Outputs all;
  for (const plan::StateEntry& entry : executor.plan().states) {
    all.push_back(values_of(executor, entry.value));
  }
  return all;
}

}  // namespace kintsugi::test
