// SPDX-License-Identifier: MIT
//
// What happens on Ctrl-C (SIGINT), SIGTERM, and SIGHUP when the terminal is closed: the first one asks
// the run to stop at its next step, and nothing is written; a second one of the same kind ends the
// program at once. The handler sets a flag and does nothing else.
#pragma once

namespace kintsugi::cli {

void install_interrupt_handler();
[[nodiscard]] bool interrupted();
/// 130 is for SIGINT; after another signal it is 128 and its number: 129 SIGHUP, 143 SIGTERM.
[[nodiscard]] int exit_code_after(int code);
/// Throws Error::cancelled after an interrupt: called between the parts of a verb.
void stop_if_interrupted();

}  // namespace kintsugi::cli
