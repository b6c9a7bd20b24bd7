// SPDX-License-Identifier: MIT
//
// Short graphs of which networks are made: a layer with what stands before and behind it, or a block.
// Constants and names are made up; sizes are those of the network that a name begins with.
#pragma once

#include <string>
#include <vector>

#include "runtime/graph/graph.h"

namespace kintsugi::bench {

struct ShortGraph {
  std::string name;
  graph::Graph graph;
};
[[nodiscard]] std::vector<ShortGraph> short_graphs();

}  // namespace kintsugi::bench
