// SPDX-License-Identifier: MIT
#include "runtime/program/program.h"

#include <algorithm>

#include "runtime/io/text.h"
#include "runtime/program/settings.h"

namespace kintsugi::program {

Recording::Recording(graph::Graph& graph, const Scope& root, const Letters& sizes,
                     const Shapes& shapes, const Settings& given,
                     const std::vector<StateSpec>& declared)
    : m(root), letters(sizes), settings(given), graph_(graph), inputs_(shapes) {
  for (const StateSpec& spec : declared) {
    states_[spec.port.name] = graph.state({.name = spec.port.name,
                                           .shape = shape_of(spec.port, sizes),
                                           .exact = spec.exact,
                                           .entries = spec.entries});
  }
}

graph::Value Recording::input(const std::string& port, bool exact,
                              std::source_location where) const {
  return graph_.input(port, inputs_.at(port), exact, where);
}

graph::StateId Recording::state(std::string_view name) const {
  const auto at = states_.find(name);
  if (at != states_.end()) return at->second;
  throw Error(ErrorCode::internal, "the program has no state '" + std::string(name) + "'");
}

graph::Value Recording::read(std::string_view name, int64_t entry,
                             std::source_location where) const {
  return graph_.read(state(name), entry, where);
}

void Recording::write(std::string_view name, graph::Value value, int64_t entry) const {
  graph_.write(state(name), value, entry);
}

const GraphSpec& Program::graph(std::string_view name) const {
  if (name.empty()) return graphs.front();
  const auto at = std::ranges::find(graphs, name, &GraphSpec::name);
  if (at != graphs.end()) return *at;
  throw Error(ErrorCode::usage,
              description.network + " has no graph named '" + std::string(name) + "'",
              "its graphs are: " + listed(graphs, &GraphSpec::name));
}

const TaskSpec& Program::task(Task task) const {
  require_task(description, task);
  return *std::ranges::find(tasks, task, &TaskSpec::task);
}

graph::Graph Program::record(const GraphSpec& graph, const weights::Weights& weights,
                             const Letters& letters, const Shapes& inputs,
                             const Settings& settings) const {
  check_settings(settings, description.settings);
  graph::Graph recorded;
  graph.record(
      Recording(recorded, Scope(recorded, weights, keys), letters, inputs, settings, states));
  return recorded;
}

void check_settings(const Settings& given, std::span<const Port> known) {
  for (const auto& [key, value] : given) {
    if (std::ranges::find(known, key, &Port::name) != known.end()) continue;
    const std::string list = listed(known, &Port::name);
    throw Error(ErrorCode::usage, "unknown setting '" + key + "'",
                list.empty() ? "this network has no settings" : "settings are: " + list);
  }
}

}  // namespace kintsugi::program
