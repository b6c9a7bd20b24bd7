// SPDX-License-Identifier: MIT
//
// The program `kintsugi` less its main: chooses a verb, has it run, and turns whatever goes wrong
// into one sentence on standard error and an exit code. A verb is a file of this folder; nothing is
// computed here. Called by main and by the fuzzer of command lines, which lets verbs run or not.
#pragma once

#include <functional>

#include "console.h"
#include "options.h"

namespace kintsugi::cli {

/// What becomes of the verb that was chosen, its arguments parsed; returns an exit code.
using Dispatch = std::function<int(const Verb&)>;

/// From a command line to an exit code; throws nothing.
[[nodiscard]] int run_program(int argc, const char* const* argv, Console& console,
                              const Dispatch& dispatch);

}  // namespace kintsugi::cli
