// SPDX-License-Identifier: MIT
//
// Options of our own beside those that a program of Google Benchmark takes.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace kintsugi::bench {

/// Takes --NAME=VALUE out of the arguments; the last one counts.
[[nodiscard]] inline std::string take(int& argc, char** argv, std::string_view name,
                                      std::string value) {
  const std::string begin = "--" + std::string(name) + "=";
  char** end = std::remove_if(argv + 1, argv + argc, [&](const char* argument) {
    if (!std::string_view(argument).starts_with(begin)) return false;
    value = argument + begin.size();
    return true;
  });
  argc = static_cast<int>(end - argv);
  return value;
}

}  // namespace kintsugi::bench
