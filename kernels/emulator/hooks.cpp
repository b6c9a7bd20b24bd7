// SPDX-License-Identifier: MIT
//
// The race detector's ears. Kernel files compiled with -fsanitize=thread call one of these functions
// before every access to memory; libtsan is not linked, so these are what they find. Accesses to the
// block's shared memory go to Race. Device memory must be touched through memory.cuh, which counts
// and checks; what comes here has gone around it. All else (stacks, the kernel's own fields) is not
// shared between threads. Linking this file is what switches the detector on.
#include <cstdint>
#include <cstring>

#include "kernels/emulator/block.h"
#include "kernels/emulator/hooks.h"
#include "kernels/emulator/index.h"
#include "kernels/emulator/memory.h"
#include "kernels/emulator/race.h"

namespace kintsugi::emulator {

namespace {

void around_the_vocabulary(Block& block, const void* p, std::size_t bytes, bool writes,
                           const void* code) {
  block.fail("thread " + std::to_string(::threadIdx.x) + (writes ? " writes " : " reads ") +
             describe_stray(*block.memory, p, bytes) + " without load or store, at " +
             Place::of_code(code).text());
}

void seen(const void* p, std::size_t bytes, bool writes, const void* code) {
  Block* block = block_now;
  if (block == nullptr || !block->race) return;
  const auto* at = static_cast<const std::byte*>(p);
  const Fiber& fiber = block->threads[::threadIdx.x].fiber;
  if (at >= fiber.bottom && at < fiber.bottom + fiber.bytes) {
    check_registers(*block, p, bytes, code);
    return;
  }
  if (block->in_arena(p)) {
    if (!block->in_shared(p, bytes)) {
      block->fail("thread " + std::to_string(::threadIdx.x) + (writes ? " writes " : " reads ") +
                  std::to_string(bytes) + " bytes outside the block's " +
                  std::to_string(block->launch->shared_bytes) + " bytes of shared memory, at " +
                  Place::of_code(code).text());
    }
    if (writes) {
      block->race->write(p, bytes, Place::of_code(code));
    } else {
      block->race->read(p, bytes, Place::of_code(code));
    }
    return;
  }
  if (block->memory->holding(p) != nullptr) {
    around_the_vocabulary(*block, p, bytes, writes, code);
  }
}

const bool switched_on = switch_race_detector_on();

}  // namespace

}  // namespace kintsugi::emulator

using kintsugi::emulator::seen;

// The names are the compiler's.
// NOLINTBEGIN(bugprone-reserved-identifier,bugprone-macro-parentheses)
#define KINTSUGI_CALLER __builtin_return_address(0)
#define KINTSUGI_HOOKS(bytes)                                                            \
  void __tsan_read##bytes(void* p) { seen(p, bytes, false, KINTSUGI_CALLER); }           \
  void __tsan_write##bytes(void* p) { seen(p, bytes, true, KINTSUGI_CALLER); }           \
  void __tsan_unaligned_read##bytes(void* p) { seen(p, bytes, false, KINTSUGI_CALLER); } \
  void __tsan_unaligned_write##bytes(void* p) { seen(p, bytes, true, KINTSUGI_CALLER); } \
  void __tsan_volatile_read##bytes(void* p) { seen(p, bytes, false, KINTSUGI_CALLER); }  \
  void __tsan_volatile_write##bytes(void* p) { seen(p, bytes, true, KINTSUGI_CALLER); }
#define KINTSUGI_ATOMICS(bits, T)                                                                \
  T __tsan_atomic##bits##_load(const T* p, int) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); } \
  void __tsan_atomic##bits##_store(T* p, T v, int) { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); } \
  T __tsan_atomic##bits##_exchange(T* p, T v, int) {                                             \
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                          \
  }                                                                                              \
  T __tsan_atomic##bits##_fetch_add(T* p, T v, int) {                                            \
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                           \
  }                                                                                              \
  T __tsan_atomic##bits##_fetch_sub(T* p, T v, int) {                                            \
    return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST);                                           \
  }

extern "C" {

KINTSUGI_HOOKS(1)
KINTSUGI_HOOKS(2)
KINTSUGI_HOOKS(4)
KINTSUGI_HOOKS(8)
KINTSUGI_HOOKS(16)
void __tsan_read_range(void* p, std::size_t bytes) { seen(p, bytes, false, KINTSUGI_CALLER); }
void __tsan_write_range(void* p, std::size_t bytes) { seen(p, bytes, true, KINTSUGI_CALLER); }
void* __tsan_memcpy(void* to, const void* from, std::size_t bytes) {
  seen(from, bytes, false, KINTSUGI_CALLER);
  seen(to, bytes, true, KINTSUGI_CALLER);
  return std::memcpy(to, from, bytes);
}
void* __tsan_memset(void* to, int value, std::size_t bytes) {
  seen(to, bytes, true, KINTSUGI_CALLER);
  return std::memset(to, value, bytes);
}

// Host code of the same files; the standard library's reference counts and flags among it.
KINTSUGI_ATOMICS(8, unsigned char)
KINTSUGI_ATOMICS(32, unsigned int)
KINTSUGI_ATOMICS(64, unsigned long)
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_init() {}
void __tsan_func_entry(void* /*caller*/) {}
void __tsan_func_exit() {}
void __tsan_vptr_read(void** /*p*/) {}
void __tsan_vptr_update(void** /*p*/, void* /*value*/) {}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,bugprone-macro-parentheses)
