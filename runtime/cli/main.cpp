// SPDX-License-Identifier: MIT
#include "interrupt.h"
#include "program.h"

int main(int argc, char** argv) {
  kintsugi::cli::install_interrupt_handler();
  kintsugi::cli::Console console;
  return kintsugi::cli::exit_code_after(kintsugi::cli::run_program(
      argc, argv, console, [](const kintsugi::cli::Verb& verb) { return verb.run(); }));
}
