// SPDX-License-Identifier: MIT
//
// Counts wavefronts of 16-byte accesses to shared memory. The 32 banks of 4 bytes serve 128 bytes
// at once, so eight lanes of 16 bytes go together if they fall on eight different groups of four
// banks. ldmatrix names its eight rows in one call; plain 16-byte loads and stores are put together
// here, eight neighbouring lanes at one line of the kernel. A Block owns it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "kernels/emulator/emulator.h"
#include "kernels/emulator/place.h"

namespace kintsugi::emulator {

/// How many wavefronts the rows of 16 bytes at these offsets take.
[[nodiscard]] int wavefronts(std::span<const uint32_t> offsets);

struct BankCounter {
  void start() { octets_.clear(); }
  void access(unsigned thread, uint32_t offset, const Where& where, Wavefronts& counted);
  /// What did not come in eights.
  void flush(Wavefronts& counted);

 private:
  struct Octet {
    std::array<std::vector<uint32_t>, 8> queued;  // of each lane, oldest first
  };
  void take(Octet& octet, Wavefronts& counted);
  std::map<std::array<uint32_t, 3>, Octet> octets_;  // by line, column, thread / 8
};

}  // namespace kintsugi::emulator
