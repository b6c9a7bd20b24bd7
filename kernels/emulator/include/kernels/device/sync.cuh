// SPDX-License-Identifier: MIT
//
// The emulator's half of kernels/device/sync.cuh.
#pragma once

#include "kernels/device/launch.cuh"
#include "kernels/emulator/collective.h"

namespace kintsugi::device {

inline void syncthreads(emulator::Where where = emulator::Where::current()) {
  emulator::sync_block(where);
}

inline void syncwarp(uint32_t mask = kAllLanes,
                     emulator::Where where = emulator::Where::current()) {
  emulator::sync_warp(mask, where);
}

inline void barrier_sync(int id, int threads, emulator::Where where = emulator::Where::current()) {
  emulator::sync_named(static_cast<unsigned>(id), static_cast<unsigned>(threads), where);
}

inline void barrier_arrive(int id, int threads,
                           emulator::Where where = emulator::Where::current()) {
  emulator::arrive_named(static_cast<unsigned>(id), static_cast<unsigned>(threads), where);
}

// Memory here is that of one processor: what is written is seen.
inline void fence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void fence_device() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void fence_async_shared() {}

template <typename Predicate>
void spin_until(Predicate predicate, emulator::Where where = emulator::Where::current()) {
  if (predicate()) return;
  do {
    emulator::block_now->spin(where);
  } while (!predicate());
  emulator::block_now->spun();
}

}  // namespace kintsugi::device
