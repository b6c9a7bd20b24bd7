// SPDX-License-Identifier: MIT
//
// A Runner without a session: what a task replays is the test's to answer.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "runtime/program/runner.h"

namespace kintsugi::test {

using program::Images, program::Letters, program::ReadRow, program::Sinks, program::Sources,
    program::WriteRow;

class FakeRunner final : public program::Runner {
 public:
  std::function<void(std::string_view graph, const Letters&, const Sources&, const Sinks&)>
      on_replay;
  std::function<bool(const Letters&)> on_fits;
  std::optional<program::Field> known_field;
  int64_t held = 0;
  std::vector<std::string> warnings;

  void replay(std::string_view graph, const Letters& letters, const Sources& sources,
              const Sinks& sinks) override {
    on_replay(graph, letters, sources, sinks);
  }
  void fill(std::string_view, const Letters&, std::string_view, const WriteRow&, int64_t) override {
    FAIL() << "no states here";
  }
  void take(std::string_view, const Letters&, std::string_view, const ReadRow&, int64_t) override {
    FAIL() << "no states here";
  }
  bool fits(std::string_view, const Letters& letters, const Images&) override {
    return !on_fits || on_fits(letters);
  }
  void hold(int64_t bytes) override { held += bytes; }
  std::optional<program::Field> field(std::string_view, std::string_view,
                                      std::string_view) override {
    return known_field;
  }
  void release(std::string_view) override {}
  void part(double, double) override {}
  void warn(const std::string& sentence) override { warnings.push_back(sentence); }
};

}  // namespace kintsugi::test
