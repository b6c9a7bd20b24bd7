// SPDX-License-Identifier: MIT
//
// What the device half and the emulator say in the same words about a launch: the grid, the limits
// of a block, and what a kernel must have to be one. No CUDA here.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

namespace kintsugi::device {

struct Grid {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;
};

constexpr unsigned kMaxThreads = 1024;
constexpr std::size_t kMaxSharedBytes = 227 * 1024;  // sm_90; an sm_80 has 163 KB
constexpr std::size_t kSharedAlignment = 1024;       // what 128-byte swizzled tiles ask for

/// A kernel is a struct: `kThreads` says how wide a block is, the fields are its arguments,
/// operator() is what one thread does. `Shared`, if it has one, is the block's shared memory.
template <typename K>
concept Kernel = std::is_trivially_copyable_v<K> && requires(const K& kernel) {
  { K::kThreads } -> std::convertible_to<unsigned>;
  kernel();
};

template <typename K>
constexpr std::size_t shared_bytes() {
  if constexpr (requires { typename K::Shared; }) {
    static_assert(std::is_trivially_destructible_v<typename K::Shared>);
    static_assert(sizeof(typename K::Shared) <= kMaxSharedBytes, "a block has 227 KB at most");
    return sizeof(typename K::Shared);
  } else {
    return 0;
  }
}

/// How many blocks a multiprocessor shall hold at least: bounds the registers of a thread.
template <typename K>
constexpr unsigned min_blocks() {
  if constexpr (requires { K::kMinBlocks; }) {
    return K::kMinBlocks;
  } else {
    return 1;
  }
}

/// How many registers a thread may take: the nvcc checks read it from the kernel's name (launch.cuh).
template <typename K>
constexpr int max_registers() {
  if constexpr (requires { K::kMaxRegisters; }) {
    return K::kMaxRegisters;
  } else {
    return 255;
  }
}

}  // namespace kintsugi::device
