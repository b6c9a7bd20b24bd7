// SPDX-License-Identifier: MIT
//
// Device memory, emulated: heap blocks with a guard on either side, and a table of them by which
// every access of a kernel is checked. Allocation is the facade's (api.cpp); a launch takes a copy
// of the table, so that looking up needs no lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kintsugi::emulator {

constexpr std::size_t kGuard = 256;  // also the alignment of a device buffer

struct Allocation {
  const std::byte* begin = nullptr;
  std::size_t bytes = 0;
};

/// The buffers, by address.
struct Memory {
  std::vector<Allocation> allocations;

  [[nodiscard]] const Allocation* holding(const void* p) const;  // guards included
};

[[nodiscard]] void* allocate(std::size_t bytes);
/// False where `p` is no buffer's beginning.
[[nodiscard]] bool release(void* p);
[[nodiscard]] Memory snapshot();
/// Whether [p, p + bytes) lies in one buffer.
[[nodiscard]] bool is_device(const void* p, std::size_t bytes);
[[nodiscard]] std::size_t allocated_bytes();

/// Where the `bytes` of a refused access stand: "16 bytes 4 past the end of a device buffer of ...".
[[nodiscard]] std::string describe_stray(const Memory& memory, const void* p, std::size_t bytes);

}  // namespace kintsugi::emulator
