// SPDX-License-Identifier: MIT
//
// cp.async: device memory to shared memory past the registers. A thread waits for its own copies,
// by groups; a barrier after the wait is what shows them to the others.
#pragma once

#include "kernels/device/memory.cuh"

namespace kintsugi::device {

/// kBytes (4, 8, 16) to `to` in shared memory, of which the first `valid_bytes` come from `from` and
/// the rest is zero. Both aligned to kBytes. With valid_bytes 0 nothing is read, but `from` must
/// still be a pointer into a buffer.
template <int kBytes>
KIN_DEVICE void cp_async(void* to, const void* from, int valid_bytes = kBytes) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16, "cp.async moves 4, 8 or 16 bytes");
  const uint32_t address = detail::shared_address(to);
  if constexpr (kBytes == 16) {  // past the first-level cache
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address),
                 "l"(__cvta_generic_to_global(from)), "r"(valid_bytes)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(address),
                 "l"(__cvta_generic_to_global(from)), "n"(kBytes), "r"(valid_bytes)
                 : "memory");
  }
}

/// Closes the group of the copies issued since the last commit; it may be empty.
KIN_DEVICE void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits until all groups but the kPending youngest have arrived.
template <int kPending>
KIN_DEVICE void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

}  // namespace kintsugi::device
