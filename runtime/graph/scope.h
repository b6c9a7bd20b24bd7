// SPDX-License-Identifier: MIT
//
// Scope is the handle a network function gets: the graph it records into, the weights it may name
// and the module path it stands in. `m["layers"][3]` extends the path exactly as a state dict is
// nested, and remembers the line that says so: mistakes are told with it. It is a small value, copied
// freely; it owns nothing and lives as long as a recording.
#pragma once

#include <concepts>
#include <source_location>
#include <string>
#include <string_view>

#include "runtime/graph/graph.h"
#include "runtime/weights/key_map.h"
#include "runtime/weights/weights.h"

namespace kintsugi {

/// What stands in `m["conv1"]` or `m[3]`, and the line it stands in. A function that takes a Name in
/// place of a string records with its caller's line. Implicit on purpose. Of brackets or of a call that
/// go over several lines compilers name different ones.
struct Name {
  std::string text;
  std::source_location where;

  template <std::convertible_to<std::string_view> S>
  Name(const S& module, std::source_location line = std::source_location::current())
      : text(std::string_view(module)), where(line) {}
  template <std::integral I>
  Name(I index, std::source_location line = std::source_location::current())
      : text(std::to_string(index)), where(line) {}

  friend Name operator+(std::string_view prefix, const Name& name) {
    return {std::string(prefix) + name.text, name.where};
  }
};

class Scope {
 public:
  Scope(graph::Graph& graph, const weights::Weights& weights, const weights::KeyMap& keys,
        std::source_location where = std::source_location::current())
      : graph_(&graph), weights_(&weights), keys_(&keys), where_(where) {}

  [[nodiscard]] Scope operator[](const Name& name) const { return child(name.text, name.where); }
  /// For nn: a node that a layer needs beside its own. It keeps the line of the network, whose
  /// mistake it is; `[]` would name a line of nn.
  [[nodiscard]] Scope inner(std::string_view name) const { return child(name, where_); }

  /// A weight of this module, stating its expected shape where it is used; throws Error::mismatch
  /// naming file, key, expectation, finding and the network's line. Reads the header only.
  [[nodiscard]] graph::ConstantId weight(std::string_view name, const Shape& expected) const;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Where the last name of the path stands; of a root, where it was made.
  [[nodiscard]] const std::source_location& where() const { return where_; }
  [[nodiscard]] graph::Graph& graph() const { return *graph_; }

 private:
  [[nodiscard]] Scope child(std::string_view module, std::source_location where) const;

  graph::Graph* graph_;
  const weights::Weights* weights_;
  const weights::KeyMap* keys_;
  std::string path_;
  std::source_location where_;
};

}  // namespace kintsugi
