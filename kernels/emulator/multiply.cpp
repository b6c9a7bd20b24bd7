// SPDX-License-Identifier: MIT
#include "kernels/emulator/multiply.h"

#include <bit>

namespace kintsugi::emulator {

namespace plain {
constexpr int kLanes = 4;
#include "kernels/emulator/multiply-inl.h"
constexpr Arithmetic kArithmetic{widen_f16, widen_bf16, multiply};
}  // namespace plain

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
constexpr int kLanes = 8;
#include "kernels/emulator/multiply-inl.h"
constexpr Arithmetic kArithmetic{widen_f16, widen_bf16, multiply};
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f")
namespace avx512 {
constexpr int kLanes = 16;
#include "kernels/emulator/multiply-inl.h"
constexpr Arithmetic kArithmetic{widen_f16, widen_bf16, multiply};
}  // namespace avx512
#pragma GCC pop_options

namespace {

const Arithmetic& choose() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return avx512::kArithmetic;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2::kArithmetic;
  return plain::kArithmetic;
}

}  // namespace

#else

namespace {

const Arithmetic& choose() { return plain::kArithmetic; }

}  // namespace

#endif

const Arithmetic& arithmetic() {
  static const Arithmetic& chosen = choose();
  return chosen;
}

}  // namespace kintsugi::emulator
