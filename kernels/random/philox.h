// SPDX-License-Identifier: MIT
//
// Philox4x32-10 (Salmon et al. 2011): four random words of a counter of 128 bits and a key of 64. It has
// no state: any counter can be asked for at any time, in any order. One text for the CPU and for CUDA.
#pragma once

#include <cstdint>

namespace kintsugi::random {

struct Words {
  uint32_t word[4] = {};
  friend bool operator==(const Words&, const Words&) = default;
};

struct Key {
  uint32_t low = 0, high = 0;
};

[[nodiscard]] constexpr Words philox(Words counter, Key key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t even = uint64_t{0xD2511F53} * counter.word[0];
    const uint64_t odd = uint64_t{0xCD9E8D57} * counter.word[2];
    counter = {{static_cast<uint32_t>(odd >> 32) ^ counter.word[1] ^ key.low,
                static_cast<uint32_t>(odd),
                static_cast<uint32_t>(even >> 32) ^ counter.word[3] ^ key.high,
                static_cast<uint32_t>(even)}};
    key = {key.low + 0x9E3779B9, key.high + 0xBB67AE85};
  }
  return counter;
}

}  // namespace kintsugi::random
