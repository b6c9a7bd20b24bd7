// SPDX-License-Identifier: MIT
//
// Pack is the 16 bytes that a lane moves at once, seen as what they hold; and the concepts that say
// what an access may be. Both halves of memory.cuh use them.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace kintsugi::device {

template <typename T>
struct alignas(16) Pack {
  static constexpr int kCount = 16 / static_cast<int>(sizeof(T));
  T x[kCount];
};

template <typename T>
constexpr bool is_access = std::is_trivially_copyable_v<T> &&
                           (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8 ||
                            sizeof(T) == 16) &&
                           alignof(T) == sizeof(T);

/// No floating-point atomics: a sum's order would depend on the schedule.
template <typename T>
concept AtomicInteger = std::same_as<T, int32_t> || std::same_as<T, uint32_t> ||
    std::same_as<T, int64_t> || std::same_as<T, uint64_t>;

}  // namespace kintsugi::device
