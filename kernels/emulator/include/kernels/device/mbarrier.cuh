// SPDX-License-Identifier: MIT
//
// The emulator's half of kernels/device/mbarrier.cuh.
#pragma once

#include "kernels/device/launch.cuh"
#include "kernels/emulator/async.h"

namespace kintsugi::device {

struct alignas(8) MBarrier {
  uint64_t opaque;
};

inline void mbarrier_init(MBarrier& barrier, int arrivals,
                          emulator::Where where = emulator::Where::current()) {
  emulator::init_barrier(&barrier, static_cast<unsigned>(arrivals), where);
}

inline void fence_barrier_init() {}

inline void mbarrier_arrive(MBarrier& barrier, emulator::Where where = emulator::Where::current()) {
  emulator::arrive_barrier(&barrier, 0, where);
}

inline void mbarrier_arrive_expect(MBarrier& barrier, int bytes,
                                   emulator::Where where = emulator::Where::current()) {
  emulator::arrive_barrier(&barrier, bytes, where);
}

[[nodiscard]] inline bool mbarrier_test(MBarrier& barrier, int parity,
                                        emulator::Where where = emulator::Where::current()) {
  return emulator::test_barrier(&barrier, static_cast<unsigned>(parity), where);
}

inline void mbarrier_wait(MBarrier& barrier, int parity,
                          emulator::Where where = emulator::Where::current()) {
  emulator::wait_barrier(&barrier, static_cast<unsigned>(parity), where);
}

}  // namespace kintsugi::device
