// SPDX-License-Identifier: MIT
//
// Uses are the readers of every node, found once for a whole graph. Owned by a pass, for as long as it
// runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "runtime/graph/graph.h"

namespace kintsugi::plan {

class Uses {
 public:
  explicit Uses(const graph::Graph& graph)
      : readers_(graph.nodes.size()), counts_(graph.nodes.size(), 0), ends_(graph.nodes.size()) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      for (const graph::Value value : graph::reads(graph.nodes[i])) {
        ++counts_[index(value.node)];
        std::vector<int32_t>& readers = readers_[index(value.node)];
        const auto reader = static_cast<int32_t>(i);
        if (readers.empty() || readers.back() != reader) readers.push_back(reader);
      }
    }
    for (const graph::Port& port : graph.outputs) add_end(port.value);
    for (const graph::Write& write : graph.writes) add_end(write.value);
  }

  /// Nodes that read an output of `node`, each once, in order.
  [[nodiscard]] const std::vector<int32_t>& readers(int32_t node) const {
    return readers_[index(node)];
  }
  /// How often outputs of `node` are read; an output or a write of the graph counts as once more.
  [[nodiscard]] int count(int32_t node) const { return counts_[index(node)]; }
  /// Whether an output of `node` is an output of the graph or is written to a state.
  [[nodiscard]] bool is_end(int32_t node) const { return ends_[index(node)]; }

  /// What node number `at` reads is read by `readers` in its place.
  void hand_on(const graph::Node& node, int32_t at, const std::vector<int32_t>& readers) {
    for (const graph::Value value : graph::reads(node)) {
      std::vector<int32_t>& known = readers_[index(value.node)];
      std::erase(known, at);
      counts_[index(value.node)] += static_cast<int>(readers.size()) - 1;
      known.insert(known.end(), readers.begin(), readers.end());
      std::ranges::sort(known);
      const auto twice = std::ranges::unique(known);
      known.erase(twice.begin(), twice.end());
    }
  }

 private:
  static size_t index(int32_t node) { return static_cast<size_t>(node); }
  void add_end(graph::Value value) {
    ++counts_[index(value.node)];
    ends_[index(value.node)] = true;
  }

  std::vector<std::vector<int32_t>> readers_;
  std::vector<int> counts_;
  std::vector<bool> ends_;
};

}  // namespace kintsugi::plan
