// SPDX-License-Identifier: MIT
#include "kernels/emulator/fiber.h"

#include <sys/mman.h>

#include <new>

#include "kernels/emulator/fiber_switch.h"

#include "kernels/emulator/sanitizer.h"

namespace kintsugi::emulator {

namespace {

constexpr std::size_t kStackBytes = (kAddressSanitizer ? 512 : 128) * 1024;
constexpr std::size_t kGuardBytes = 4096;
constexpr std::size_t kSlotBytes = kStackBytes + kGuardBytes;

// Stacks that all start at a page's end fight for the same lines of the first-level cache.
constexpr std::size_t kStagger = 1088;
constexpr std::size_t kStaggerPeriod = 28;

}  // namespace

Stacks::Stacks(unsigned count) : count_(count) {
  void* memory = mmap(nullptr, count * kSlotBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<std::byte*>(memory);
  for (unsigned i = 0; i < count; ++i) mprotect(memory_ + i * kSlotBytes, kGuardBytes, PROT_NONE);
}

Stacks::~Stacks() { munmap(memory_, count_ * kSlotBytes); }

void Stacks::prepare(Fiber& fiber, unsigned index, void (*entry)()) {
  fiber.bottom = memory_ + index * kSlotBytes + kGuardBytes;
  fiber.bytes = kStackBytes - kStagger * (index % kStaggerPeriod);
  fiber.fake_stack = nullptr;
  unpoison(fiber.bottom, kStackBytes);
  prepare_switch(fiber, entry);
}

void switch_fiber(Fiber& from, Fiber& to) {
  leave_stack(&from.fake_stack, to.bottom, to.bytes);
  raw_switch(from, to);
  if constexpr (kAddressSanitizer) enter_stack(from.fake_stack, nullptr, nullptr);
}

void arrived(Fiber& self, Fiber& worker) {
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  enter_stack(self.fake_stack, &bottom, &bytes);
  if (worker.bottom == nullptr) {  // the operating system's own stack
    worker.bottom = static_cast<std::byte*>(const_cast<void*>(bottom));
    worker.bytes = bytes;
  }
}

}  // namespace kintsugi::emulator
