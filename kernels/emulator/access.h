// SPDX-License-Identifier: MIT
//
// Every access of a kernel that goes through the vocabulary of memory.cuh: checked against the
// table of buffers, counted, and told to the race detector where it concerns shared memory. Plain
// C++ accesses to shared memory are not seen here; the hooks see them (hooks.cpp).
#pragma once

#include <cstdint>

#include "kernels/emulator/block.h"
#include "kernels/emulator/place.h"

namespace kintsugi::emulator {

/// Device memory, `bytes` aligned to their size.
void load_device(void* to, const void* from, std::size_t bytes, const Where& where);
void store_device(void* to, const void* from, std::size_t bytes, const Where& where);
/// 16 bytes of shared memory.
void load_shared16(void* to, const void* from, const Where& where);
void store_shared16(void* to, const void* from, const Where& where);

enum class Atomic { add, max, min, exchange, compare_exchange, acquire_load, release_store };
/// Device or shared memory, 4 or 8 bytes; returns what stood there.
uint64_t atomic(Atomic op, void* p, std::size_t bytes, uint64_t value, uint64_t expected,
                bool is_signed, const char* name, const Where& where);

/// Ends the block unless [p, p + bytes) is device memory and p a multiple of `alignment`.
void check_device(Block& block, const char* does, const void* p, std::size_t bytes,
                  std::size_t alignment, const Where& where);
[[noreturn]] void refuse_shared(Block& block, const char* does, const void* p, std::size_t bytes,
                                std::size_t alignment, const Where& where);
inline void check_shared(Block& block, const char* does, const void* p, std::size_t bytes,
                         std::size_t alignment, const Where& where) {
  const bool aligned = reinterpret_cast<uintptr_t>(p) % alignment == 0;
  if (!aligned || !block.in_shared(p, bytes)) {
    refuse_shared(block, does, p, bytes, alignment, where);
  }
}

}  // namespace kintsugi::emulator
