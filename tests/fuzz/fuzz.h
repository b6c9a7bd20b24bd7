// SPDX-License-Identifier: MIT
//
// What the fuzzers share. A fuzzer is LLVMFuzzerTestOneInput: any bytes, and no crash. It is called
// by libFuzzer or by replay_main.cpp, and owns nothing between two calls but what costs time to make.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace kintsugi::fuzz {

/// What must hold for every input. Standard error may be redirected: `log` is where people look.
inline void require(bool holds, const std::string& sentence, std::FILE* log = stderr) {
  if (holds) return;
  std::fprintf(log, "fuzz: %s\n", sentence.c_str());
  std::fflush(log);
  std::abort();
}

/// Fit to be shown in one line of a terminal.
[[nodiscard]] inline bool is_one_line(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return false;
  }
  return !text.empty();
}

}  // namespace kintsugi::fuzz
