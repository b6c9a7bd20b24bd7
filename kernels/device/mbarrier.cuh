// SPDX-License-Identifier: MIT
//
// mbarriers: barriers in shared memory that count arrivals and bytes. A phase completes when both
// have come; who waits names the phase by its parity, 0 first. sm_90 (TMA completes on them).
#pragma once

#include "kernels/device/memory.cuh"

namespace kintsugi::device {

/// Its place in Shared. One thread initialises it, then fence_barrier_init and a barrier.
struct alignas(8) MBarrier {
  uint64_t opaque;
};

KIN_DEVICE void mbarrier_init(MBarrier& barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(detail::shared_address(&barrier)),
               "r"(arrivals)
               : "memory");
}

/// Shows initialised barriers to the copy engine.
KIN_DEVICE void fence_barrier_init() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

KIN_DEVICE void mbarrier_arrive(MBarrier& barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(detail::shared_address(&barrier))
               : "memory");
}

/// Arrives, and says that `bytes` of transfers belong to this phase.
KIN_DEVICE void mbarrier_arrive_expect(MBarrier& barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(
                   detail::shared_address(&barrier)),
               "r"(bytes)
               : "memory");
}

/// Whether the phase of this parity has completed.
[[nodiscard]] KIN_DEVICE bool mbarrier_test(MBarrier& barrier, int parity) {
  uint32_t done;
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.u32 %0, 1, 0, p;\n"
      "}"
      : "=r"(done)
      : "r"(detail::shared_address(&barrier)), "r"(parity)
      : "memory");
  return done != 0;
}

KIN_DEVICE void mbarrier_wait(MBarrier& barrier, int parity) {
  while (!mbarrier_test(barrier, parity)) {
  }
}

}  // namespace kintsugi::device
