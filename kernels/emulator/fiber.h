// SPDX-License-Identifier: MIT
//
// A fiber is a stack and the place where it stopped: one CUDA thread, or the operating system's
// thread that runs them. Switching is a dozen instructions on x86-64, ucontext elsewhere or where
// KINTSUGI_EMULATOR_UCONTEXT is defined. It is not a scheduler (block.h) and knows nothing of
// errors. A Stacks owns the memory; blocks own the fibers.
#pragma once

#include <cstddef>
#include <memory>

namespace kintsugi::emulator {

struct Fiber {
  void* stack_pointer = nullptr;  // where it stopped
  std::byte* bottom = nullptr;    // its stack, for the address sanitizer
  std::size_t bytes = 0;
  void* fake_stack = nullptr;     // the sanitizer's
  std::shared_ptr<void> context;  // ucontext's, where that is used
};

/// Stacks of one size with an unreadable page below each.
class Stacks {
 public:
  explicit Stacks(unsigned count);
  ~Stacks();
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;

  [[nodiscard]] unsigned count() const { return count_; }
  /// Makes `fiber` one that will call `entry` on stack `index`. `entry` never returns. What stood on
  /// the stack before is forgotten, not unwound.
  void prepare(Fiber& fiber, unsigned index, void (*entry)());

 private:
  unsigned count_;
  std::byte* memory_;
};

/// Stops `from`, which is running, and goes on with `to`.
void switch_fiber(Fiber& from, Fiber& to);
/// The first thing a fiber does: tells the sanitizer that it has arrived. `worker` is the stack that
/// the first of them came from, whose bounds only the sanitizer knows.
void arrived(Fiber& self, Fiber& worker);

}  // namespace kintsugi::emulator
