// SPDX-License-Identifier: MIT
#include "interrupt.h"

#include <atomic>
#include <csignal>

#include <kintsugi/kintsugi.hpp>

#include "options.h"

namespace kintsugi::cli {
namespace {

// Set by a signal, read by threads: without a lock it is fit for both.
std::atomic<int> caught{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_interrupt(int signal) { caught = signal; }

}  // namespace

void install_interrupt_handler() {
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one has its ordinary effect
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction before = {};
  sigaction(SIGHUP, nullptr, &before);
  // Whoever started this with nohup wants it to go on.
  if (before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
  // A file that outgrows the limit of this process is a write error like any other.
  std::signal(SIGXFSZ, SIG_IGN);
}

bool interrupted() { return caught != 0; }

int exit_code_after(int code) {
  const int signal = caught;
  return code == exit_code_of(ErrorCode::cancelled) && signal != 0 ? 128 + signal : code;
}

void stop_if_interrupted() {
  if (interrupted()) throw Error(ErrorCode::cancelled, "interrupted");
}

}  // namespace kintsugi::cli
