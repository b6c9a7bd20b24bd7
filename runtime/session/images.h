// SPDX-License-Identifier: MIT
//
// Images at the ends of a graph: which inputs are made of one and which outputs become one is part of
// what a plan is made for, so the graph gets the conversions as nodes before it is planned.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/execute/executor.h"
#include "runtime/program/runner.h"

namespace kintsugi::session {

using program::Images;

/// The graph with to_tensor behind the inputs and to_image before the outputs that are images. A mask
/// is a port "input.mask", the second output of to_image the port "output.first_bad". Throws Error::internal
/// for a port that is not there or has another number of channels.
[[nodiscard]] graph::Graph with_images(graph::Graph graph, const Images& images);

[[nodiscard]] inline std::string mask_port(const std::string& input) { return input + ".mask"; }
[[nodiscard]] inline std::string first_bad_port(const std::string& output) {
  return output + ".first_bad";
}
[[nodiscard]] inline bool is_first_bad(const std::string& port) {
  return port.ends_with(first_bad_port(""));
}

/// The port of that name, of a plan or of a graph. Throws Error::internal where there is none: every name
/// comes from a plan or a task of our own.
template <class Port>
[[nodiscard]] const Port& port_of(const std::vector<Port>& ports, std::string_view name) {
  const auto at = std::ranges::find(ports, name, &Port::name);
  if (at != ports.end()) return *at;
  throw Error(ErrorCode::internal, "a plan has no port '" + std::string(name) + "'");
}

/// The first NaN or infinity behind an image, as n, c, y, x; `first_bad` is the port's value.
[[nodiscard]] std::optional<std::array<int64_t, 4>> first_bad(const execute::Executor& executor,
                                                              const plan::Placed& first_bad);

}  // namespace kintsugi::session
