// SPDX-License-Identifier: MIT
//
// Shuffles and votes over the one collective primitive. include/kernels/device/warp.cuh calls.
#pragma once

#include <cstring>

#include "kernels/emulator/place.h"

namespace kintsugi::emulator {

/// Every lane of `mask` gets what `source` brought; `bytes` is 4 or 8.
void shuffle_bytes(const char* op, const void* value, void* result, std::size_t bytes, int source,
                   uint32_t mask, const Where& where);

template <typename T>
T shuffle(const char* op, T value, int source, uint32_t mask, const Where& where) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");
  T result;
  shuffle_bytes(op, &value, &result, sizeof(T), source, mask, where);
  return result;
}

/// The lanes of `mask` whose predicate holds.
[[nodiscard]] uint32_t vote(const char* op, bool predicate, uint32_t mask, const Where& where);

}  // namespace kintsugi::emulator
