// SPDX-License-Identifier: MIT
//
// What happens on Ctrl-C: the first one asks the run to stop at its next step, and nothing is
// written; a second one ends the program at once. The handler sets a flag and does nothing else.
#pragma once

namespace kintsugi::cli {

void install_interrupt_handler();
[[nodiscard]] bool interrupted();
/// Throws Error::cancelled after an interrupt: called between the parts of a verb.
void stop_if_interrupted();

}  // namespace kintsugi::cli
