// SPDX-License-Identifier: MIT
//
// The only assembly of the emulator: 4 ns a switch, where ucontext's system call takes 200.
#include "kernels/emulator/fiber_switch.h"

#include <bit>
#include <cstdint>

#if defined(__x86_64__) && !defined(KINTSUGI_EMULATOR_UCONTEXT)

// The six registers a called function must preserve go on the stack that is left; the rest is the
// compiler's affair, because this is an ordinary call.
asm(R"(
.text
.p2align 4
.globl kintsugi_emulator_switch
.hidden kintsugi_emulator_switch
.type kintsugi_emulator_switch, @function
kintsugi_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size kintsugi_emulator_switch, .-kintsugi_emulator_switch
)");
extern "C" void kintsugi_emulator_switch(void** left, void* entered);

namespace kintsugi::emulator {

void prepare_switch(Fiber& fiber, void (*entry)()) {
  auto top = reinterpret_cast<std::uintptr_t>(fiber.bottom + fiber.bytes) & ~std::uintptr_t{15};
  auto* slot = std::bit_cast<void**>(top);
  *--slot = nullptr;  // the return address of `entry`, where a debugger's backtrace ends
  *--slot = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; ++i) *--slot = nullptr;
  fiber.stack_pointer = static_cast<void*>(slot);
}

void raw_switch(Fiber& from, Fiber& to) {
  kintsugi_emulator_switch(&from.stack_pointer, to.stack_pointer);
}

}  // namespace kintsugi::emulator

#else

#include <ucontext.h>

namespace kintsugi::emulator {

namespace {

ucontext_t& context_of(Fiber& fiber) {
  if (!fiber.context) fiber.context = std::make_shared<ucontext_t>();
  return *static_cast<ucontext_t*>(fiber.context.get());
}

}  // namespace

void prepare_switch(Fiber& fiber, void (*entry)()) {
  ucontext_t& context = context_of(fiber);
  getcontext(&context);
  context.uc_stack.ss_sp = fiber.bottom;
  context.uc_stack.ss_size = fiber.bytes;
  context.uc_link = nullptr;
  makecontext(&context, entry, 0);
}

void raw_switch(Fiber& from, Fiber& to) { swapcontext(&context_of(from), &context_of(to)); }

}  // namespace kintsugi::emulator

#endif
