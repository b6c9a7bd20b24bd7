// SPDX-License-Identifier: MIT
//
// The emulator's half of kernels/device/memory.cuh. Its accesses go through kernels/emulator/access.h,
// which checks and counts them.
#pragma once

#include <bit>
#include <type_traits>

#include "kernels/device/launch.cuh"
#include "kernels/device/pack.h"
#include "kernels/emulator/access.h"

namespace kintsugi::device {

template <typename T>
[[nodiscard]] T load(const T* p, emulator::Where where = emulator::Where::current()) {
  static_assert(is_access<T>, "an access is of 1, 2, 4, 8 or 16 bytes");
  T value;
  emulator::load_device(&value, p, sizeof(T), where);
  return value;
}

template <typename T>
void store(T* p, std::type_identity_t<T> value,
           emulator::Where where = emulator::Where::current()) {
  static_assert(is_access<T>, "an access is of 1, 2, 4, 8 or 16 bytes");
  emulator::store_device(p, &value, sizeof(T), where);
}

template <typename T>
[[nodiscard]] Pack<T> load_pack(const T* p, emulator::Where where = emulator::Where::current()) {
  Pack<T> pack;
  emulator::load_device(&pack, p, sizeof pack, where);
  return pack;
}

template <typename T>
void store_pack(T* p, const Pack<T>& pack, emulator::Where where = emulator::Where::current()) {
  emulator::store_device(p, &pack, sizeof pack, where);
}

template <typename T>
[[nodiscard]] Pack<T> load_shared(const T* p, emulator::Where where = emulator::Where::current()) {
  Pack<T> pack;
  emulator::load_shared16(&pack, p, where);
  return pack;
}

template <typename T>
void store_shared(T* p, const Pack<T>& pack, emulator::Where where = emulator::Where::current()) {
  emulator::store_shared16(p, &pack, where);
}

template <AtomicInteger T>
T atomic_add(T* p, std::type_identity_t<T> value,
             emulator::Where where = emulator::Where::current()) {
  return static_cast<T>(emulator::atomic(emulator::Atomic::add, p, sizeof(T),
                                         static_cast<uint64_t>(value), 0, std::is_signed_v<T>,
                                         "atomic_add", where));
}

template <AtomicInteger T>
T atomic_max(T* p, std::type_identity_t<T> value,
             emulator::Where where = emulator::Where::current()) {
  return static_cast<T>(emulator::atomic(emulator::Atomic::max, p, sizeof(T),
                                         static_cast<uint64_t>(value), 0, std::is_signed_v<T>,
                                         "atomic_max", where));
}

template <AtomicInteger T>
T atomic_min(T* p, std::type_identity_t<T> value,
             emulator::Where where = emulator::Where::current()) {
  return static_cast<T>(emulator::atomic(emulator::Atomic::min, p, sizeof(T),
                                         static_cast<uint64_t>(value), 0, std::is_signed_v<T>,
                                         "atomic_min", where));
}

template <AtomicInteger T>
T atomic_exchange(T* p, std::type_identity_t<T> value,
                  emulator::Where where = emulator::Where::current()) {
  return static_cast<T>(emulator::atomic(emulator::Atomic::exchange, p, sizeof(T),
                                         static_cast<uint64_t>(value), 0, std::is_signed_v<T>,
                                         "atomic_exchange", where));
}

/// Puts `value` where `expected` stands; returns what stood there.
template <AtomicInteger T>
T atomic_compare_exchange(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> value,
                          emulator::Where where = emulator::Where::current()) {
  return static_cast<T>(emulator::atomic(
      emulator::Atomic::compare_exchange, p, sizeof(T), static_cast<uint64_t>(value),
      static_cast<uint64_t>(expected), std::is_signed_v<T>, "atomic_compare_exchange", where));
}

/// What other threads stored before their store_release of the value seen here is visible after.
[[nodiscard]] inline uint32_t load_acquire(const uint32_t* p,
                                           emulator::Where where = emulator::Where::current()) {
  return static_cast<uint32_t>(emulator::atomic(emulator::Atomic::acquire_load,
                                                const_cast<uint32_t*>(p), 4, 0, 0, false,
                                                "load_acquire", where));
}

inline void store_release(uint32_t* p, uint32_t value,
                          emulator::Where where = emulator::Where::current()) {
  emulator::atomic(emulator::Atomic::release_store, p, 4, value, 0, false, "store_release", where);
}

}  // namespace kintsugi::device
