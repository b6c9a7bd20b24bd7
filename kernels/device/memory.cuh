// SPDX-License-Identifier: MIT
//
// How kernels touch memory. Device memory only through load, store, the packs and the atomics here:
// the emulator checks and counts them, and refuses what goes around. Shared memory may be plain C++;
// 16 bytes of it at once go through load_shared and store_shared, whose bank conflicts are counted.
#pragma once

#include "kernels/device/launch.cuh"
#include "kernels/device/pack.h"

namespace kintsugi::device {

/// One element of device memory, aligned to its size.
template <typename T>
[[nodiscard]] KIN_DEVICE T load(const T* p) {
  static_assert(is_access<T>, "an access is of 1, 2, 4, 8 or 16 bytes");
  return *p;
}
template <typename T>
KIN_DEVICE void store(T* p, std::type_identity_t<T> value) {
  static_assert(is_access<T>, "an access is of 1, 2, 4, 8 or 16 bytes");
  *p = value;
}

namespace detail {
struct Words {
  uint32_t word[4];
};
[[nodiscard]] KIN_DEVICE uint32_t shared_address(const void* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}
}  // namespace detail

/// 16 bytes of device memory.
template <typename T>
[[nodiscard]] KIN_DEVICE Pack<T> load_pack(const T* p) {
  detail::Words w;
  asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(w.word[0]), "=r"(w.word[1]), "=r"(w.word[2]), "=r"(w.word[3])
               : "l"(__cvta_generic_to_global(p))
               : "memory");
  return __builtin_bit_cast(Pack<T>, w);
}
template <typename T>
KIN_DEVICE void store_pack(T* p, const Pack<T>& pack) {
  const auto w = __builtin_bit_cast(detail::Words, pack);
  asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(p)),
               "r"(w.word[0]), "r"(w.word[1]), "r"(w.word[2]), "r"(w.word[3])
               : "memory");
}

/// 16 bytes of shared memory.
template <typename T>
[[nodiscard]] KIN_DEVICE Pack<T> load_shared(const T* p) {
  detail::Words w;
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(w.word[0]), "=r"(w.word[1]), "=r"(w.word[2]), "=r"(w.word[3])
               : "r"(detail::shared_address(p))
               : "memory");
  return __builtin_bit_cast(Pack<T>, w);
}
template <typename T>
KIN_DEVICE void store_shared(T* p, const Pack<T>& pack) {
  const auto w = __builtin_bit_cast(detail::Words, pack);
  asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(detail::shared_address(p)),
               "r"(w.word[0]), "r"(w.word[1]), "r"(w.word[2]), "r"(w.word[3])
               : "memory");
}

namespace detail {
/// CUDA's atomics know long long, not int64_t.
template <typename T>
struct AtomicWord {
  using Type = T;
};
template <>
struct AtomicWord<int64_t> {
  using Type = long long;
};
template <>
struct AtomicWord<uint64_t> {
  using Type = unsigned long long;
};
template <typename T>
using Word = typename AtomicWord<T>::Type;
}  // namespace detail

/// They return what stood there. Relaxed: what they order is said with load_acquire, store_release.
template <AtomicInteger T>
KIN_DEVICE T atomic_add(T* p, std::type_identity_t<T> value) {
  using Unsigned = detail::Word<std::make_unsigned_t<T>>;  // the same sum, and CUDA has it
  return static_cast<T>(atomicAdd(reinterpret_cast<Unsigned*>(p), static_cast<Unsigned>(value)));
}
template <AtomicInteger T>
KIN_DEVICE T atomic_max(T* p, std::type_identity_t<T> value) {
  using W = detail::Word<T>;
  return static_cast<T>(atomicMax(reinterpret_cast<W*>(p), static_cast<W>(value)));
}
template <AtomicInteger T>
KIN_DEVICE T atomic_min(T* p, std::type_identity_t<T> value) {
  using W = detail::Word<T>;
  return static_cast<T>(atomicMin(reinterpret_cast<W*>(p), static_cast<W>(value)));
}
template <AtomicInteger T>
KIN_DEVICE T atomic_exchange(T* p, std::type_identity_t<T> value) {
  using Unsigned = detail::Word<std::make_unsigned_t<T>>;
  return static_cast<T>(atomicExch(reinterpret_cast<Unsigned*>(p), static_cast<Unsigned>(value)));
}
/// Puts `value` where `expected` stands.
template <AtomicInteger T>
KIN_DEVICE T atomic_compare_exchange(T* p, std::type_identity_t<T> expected,
                                     std::type_identity_t<T> value) {
  using Unsigned = detail::Word<std::make_unsigned_t<T>>;
  return static_cast<T>(atomicCAS(reinterpret_cast<Unsigned*>(p), static_cast<Unsigned>(expected),
                                  static_cast<Unsigned>(value)));
}

/// What other threads stored before their store_release of the value seen here is visible after.
[[nodiscard]] KIN_DEVICE uint32_t load_acquire(const uint32_t* p) {
  uint32_t value;
  asm volatile("ld.acquire.gpu.u32 %0, [%1];" : "=r"(value) : "l"(p) : "memory");
  return value;
}
KIN_DEVICE void store_release(uint32_t* p, uint32_t value) {
  asm volatile("st.release.gpu.u32 [%0], %1;" ::"l"(p), "r"(value) : "memory");
}

}  // namespace kintsugi::device
