// SPDX-License-Identifier: MIT
//
// The emulator's half of kernels/device/async_copy.cuh: copied when waited for, poisoned before.
#pragma once

#include "kernels/device/launch.cuh"
#include "kernels/emulator/async.h"

namespace kintsugi::device {

template <int kBytes>
void cp_async(void* to, const void* from, int valid_bytes = kBytes,
              emulator::Where where = emulator::Where::current()) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16, "cp.async moves 4, 8 or 16 bytes");
  emulator::copy_async(to, from, kBytes, static_cast<unsigned>(valid_bytes), where);
}

inline void cp_async_commit() { emulator::commit_copies(); }

template <int kPending>
void cp_async_wait() {
  emulator::wait_copies(kPending);
}

}  // namespace kintsugi::device
