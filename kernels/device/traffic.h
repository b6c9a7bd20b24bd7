// SPDX-License-Identifier: MIT
//
// What a launch moves between the multiprocessors and global memory, caches included, to the byte: an
// op's contract states it, the emulator counts it, and a test holds one against the other.
#pragma once

#include <cstdint>

namespace kintsugi::device {

struct Traffic {
  int64_t read = 0;
  int64_t written = 0;
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

}  // namespace kintsugi::device
