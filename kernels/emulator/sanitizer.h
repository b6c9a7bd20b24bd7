// SPDX-License-Identifier: MIT
//
// The address sanitizer's poison, where it is compiled in; nothing elsewhere. The one place
// that asks the compiler whether it is.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define KINTSUGI_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KINTSUGI_ADDRESS_SANITIZER
#endif
#endif
#ifdef KINTSUGI_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace kintsugi::emulator {

#ifdef KINTSUGI_ADDRESS_SANITIZER

constexpr bool kAddressSanitizer = true;
inline void poison(void* p, std::size_t bytes) { __asan_poison_memory_region(p, bytes); }
inline void unpoison(void* p, std::size_t bytes) { __asan_unpoison_memory_region(p, bytes); }
inline void leave_stack(void** keep, const void* bottom, std::size_t bytes) {
  __sanitizer_start_switch_fiber(keep, bottom, bytes);
}
inline void enter_stack(void* kept, const void** old_bottom, std::size_t* old_bytes) {
  __sanitizer_finish_switch_fiber(kept, old_bottom, old_bytes);
}

#else

constexpr bool kAddressSanitizer = false;
inline void poison(void* /*p*/, std::size_t /*bytes*/) {}
inline void unpoison(void* /*p*/, std::size_t /*bytes*/) {}
inline void leave_stack(void** /*keep*/, const void* /*bottom*/, std::size_t /*bytes*/) {}
inline void enter_stack(void* /*kept*/, const void** /*bottom*/, std::size_t* /*bytes*/) {}

#endif

/// Reports of the address sanitizer end with the kernel, the thread and the line.
void name_kernels_in_reports();

}  // namespace kintsugi::emulator
