// SPDX-License-Identifier: MIT
//
// Program is what a recognised file is: named graphs, the states they share, and the tasks that replay
// them, all as data. A graph is recorded when it is planned; a task is C++ over a Runner.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "kintsugi/kintsugi.hpp"
#include "runtime/graph/graph.h"
#include "runtime/graph/scope.h"
#include "runtime/program/ports.h"
#include "runtime/program/runner.h"
#include "runtime/weights/key_map.h"
#include "runtime/weights/weights.h"

namespace kintsugi::program {

/// A tensor that outlives a replay, for all graphs of the program. Its shape is declared as a port's.
struct StateSpec {
  Port port;
  bool exact = false;   // f32 however activations are stored
  int64_t entries = 1;  // of a ring
};

/// A graph that is being recorded.
class Recording {
 public:
  Recording(graph::Graph& graph, const Scope& root, const Letters& sizes, const Shapes& shapes,
            const Settings& given, const std::vector<StateSpec>& declared);

  const Scope m;
  const Letters letters;
  const Settings& settings;

  /// Whether an optional input is there.
  [[nodiscard]] bool has(const std::string& port) const { return inputs_.contains(port); }
  [[nodiscard]] graph::Value input(
      const std::string& port, bool exact = false,
      std::source_location where = std::source_location::current()) const;
  void output(const std::string& port, graph::Value value) const { graph_.output(port, value); }
  /// What an entry of a state holds when the replay begins, and what it shall hold after it.
  [[nodiscard]] graph::Value read(
      std::string_view state, int64_t entry = 0,
      std::source_location where = std::source_location::current()) const;
  void write(std::string_view state, graph::Value value, int64_t entry = 0) const;

 private:
  [[nodiscard]] graph::StateId state(std::string_view name) const;

  graph::Graph& graph_;
  const Shapes& inputs_;
  std::map<std::string, graph::StateId, std::less<>> states_;
};

struct GraphSpec {
  std::string name;
  std::vector<Port> inputs, outputs;
  std::function<void(const Recording& r)> record;
};

enum class Mask : uint8_t { none, required };

struct TaskSpec {
  Task task = Task::inpaint;
  /// Beside an image of any size.
  Mask mask = Mask::none;
  /// The graphs that it replays, and which of their ports are images in colour and of 8 bits.
  std::map<std::string, Images> graphs;
  /// Images and mask have been checked, and agree in size.
  std::function<TaskOutput(const TaskInput& input, Runner& runner)> run;
};

struct Program {
  Description description;  // what follows from the other members is filled in by open()
  weights::KeyMap keys;
  std::vector<GraphSpec> graphs;  // the first is the raw door's
  std::vector<StateSpec> states;
  std::vector<TaskSpec> tasks;

  /// The first for an empty name. Throws Error::usage for one that is not there, listing those that are.
  [[nodiscard]] const GraphSpec& graph(std::string_view name) const;
  /// Throws Error::usage for a task that is none of them.
  [[nodiscard]] const TaskSpec& task(Task task) const;
  /// Records a graph for inputs of these shapes, which fit its ports. Throws Error::usage for an unknown
  /// setting, Error::mismatch where the file does not hold what it asks for.
  [[nodiscard]] graph::Graph record(const GraphSpec& graph, const weights::Weights& weights,
                                    const Letters& letters, const Shapes& inputs,
                                    const Settings& settings) const;
};

}  // namespace kintsugi::program
