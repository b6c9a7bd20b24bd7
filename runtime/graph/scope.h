// SPDX-License-Identifier: MIT
//
// Scope is the handle a network function gets: the graph it records into, the weights it may name
// and the module path it stands in. `m["layers"][3]` extends the path exactly as a state dict is
// nested. It is a small value, copied freely; it owns nothing and lives as long as a recording.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

#include "runtime/graph/graph.h"
#include "runtime/weights/key_map.h"
#include "runtime/weights/weights.h"

namespace kintsugi {

class Scope {
 public:
  Scope(graph::Graph& graph, const weights::Weights& weights, const weights::KeyMap& keys)
      : graph_(&graph), weights_(&weights), keys_(&keys) {}

  [[nodiscard]] Scope operator[](std::string_view module) const {
    Scope child = *this;
    child.path_ = path_.empty() ? std::string(module) : path_ + "." + std::string(module);
    return child;
  }
  [[nodiscard]] Scope operator[](int64_t index) const { return (*this)[std::to_string(index)]; }

  /// A weight of this module, stating its expected shape where it is used; throws Error::mismatch
  /// naming file, key, expectation, finding and the network's line. Reads the header only.
  [[nodiscard]] graph::ConstantId weight(
      std::string_view name, const Shape& expected,
      std::source_location where = std::source_location::current()) const;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] graph::Graph& graph() const { return *graph_; }

 private:
  graph::Graph* graph_;
  const weights::Weights* weights_;
  const weights::KeyMap* keys_;
  std::string path_;
};

}  // namespace kintsugi
