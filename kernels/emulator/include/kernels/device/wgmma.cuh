// SPDX-License-Identifier: MIT
//
// The emulator's half of kernels/device/wgmma.cuh: computed when waited for.
#pragma once

#include "kernels/device/launch.cuh"
#include "kernels/device/tensor_map.h"
#include "kernels/emulator/wgmma.h"

namespace kintsugi::device {

template <int kN>
struct Accumulator {
  float x[kN / 2];
};
template <typename T>
struct Operand {};

[[nodiscard]] inline uint64_t wgmma_tile(const void* p, int k_bytes) {
  return matrix_descriptor(emulator::block_now->shared_offset(p) + static_cast<uint32_t>(k_bytes));
}

inline void wgmma_fence() {}
inline void wgmma_commit(emulator::Where where = emulator::Where::current()) {
  emulator::commit_products(where);
}
template <int kPending>
void wgmma_wait(emulator::Where where = emulator::Where::current()) {
  emulator::wait_products(kPending, where);
}

template <int kRegisters>
void more_registers() {}
template <int kRegisters>
void fewer_registers() {}

template <int kN>
void wgmma(Accumulator<kN>& c, Operand<f16> /*type*/, uint64_t a, uint64_t b,
           emulator::Where where = emulator::Where::current()) {
  static_assert(kN == 64 || kN == 128, "the device half has these");
  emulator::issue_product({.c = c.x, .a = a, .b = b, .n = kN, .is_bf16 = false}, where);
}
template <int kN>
void wgmma(Accumulator<kN>& c, Operand<bf16> /*type*/, uint64_t a, uint64_t b,
           emulator::Where where = emulator::Where::current()) {
  static_assert(kN == 64 || kN == 128, "the device half has these");
  emulator::issue_product({.c = c.x, .a = a, .b = b, .n = kN, .is_bf16 = true}, where);
}

}  // namespace kintsugi::device
