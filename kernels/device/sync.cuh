// SPDX-License-Identifier: MIT
//
// Barriers, fences, and the one way to wait for memory to change.
#pragma once

#include "kernels/device/launch.cuh"

namespace kintsugi::device {

/// All threads of the block, at this one place of the kernel.
KIN_DEVICE void syncthreads() { __syncthreads(); }

/// The lanes of `mask`; orders their memory accesses.
KIN_DEVICE void syncwarp(uint32_t mask = kAllLanes) { __syncwarp(mask); }

/// Barrier `id`, 1 to 15, of `threads` threads in whole warps. Who arrives does not wait.
KIN_DEVICE void barrier_sync(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
KIN_DEVICE void barrier_arrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

KIN_DEVICE void fence_block() { __threadfence_block(); }
KIN_DEVICE void fence_device() { __threadfence(); }
/// Shared memory written by threads, before TMA or wgmma read it. sm_90.
KIN_DEVICE void fence_async_shared() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/// Waits until `predicate` holds; it must read with load_acquire or an atomic. A bare loop instead
/// would never end in the emulator.
template <typename Predicate>
KIN_DEVICE void spin_until(Predicate predicate) {
  while (!predicate()) __nanosleep(32);
}

}  // namespace kintsugi::device
