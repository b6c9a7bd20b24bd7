// SPDX-License-Identifier: MIT
#include "interrupt.h"

#include <atomic>
#include <csignal>

#include <kintsugi/kintsugi.hpp>

namespace kintsugi::cli {
namespace {

// Set by a signal, read by threads: without a lock it is fit for both.
std::atomic<bool> flag{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_interrupt(int) { flag = true; }

}  // namespace

void install_interrupt_handler() {
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one has its ordinary effect
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A file that outgrows the limit of this process is a write error like any other.
  std::signal(SIGXFSZ, SIG_IGN);
}

bool interrupted() { return flag; }

void stop_if_interrupted() {
  if (interrupted()) throw Error(ErrorCode::cancelled, "interrupted");
}

}  // namespace kintsugi::cli
