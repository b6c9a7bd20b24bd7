// SPDX-License-Identifier: MIT
#include "kernels/emulator/shuffle.h"

#include "kernels/emulator/collective.h"
#include "kernels/emulator/index.h"

namespace kintsugi::emulator {

namespace {

struct Shuffle {
  const void* value;
  void* result;
  std::size_t bytes;
  int source;
};

void combine_shuffle(void* const* payloads, uint32_t mask) {
  for (uint32_t lane = 0; lane < device::kWarpSize; ++lane) {
    if ((mask >> lane & 1u) == 0) continue;
    const auto& mine = *static_cast<const Shuffle*>(payloads[lane]);
    std::memcpy(mine.result, static_cast<const Shuffle*>(payloads[mine.source])->value, mine.bytes);
  }
}

struct Vote {
  bool predicate;
  uint32_t result;
};

void combine_vote(void* const* payloads, uint32_t mask) {
  uint32_t result = 0;
  for (uint32_t lane = 0; lane < device::kWarpSize; ++lane) {
    if ((mask >> lane & 1u) == 0) continue;
    if (static_cast<const Vote*>(payloads[lane])->predicate) result |= 1u << lane;
  }
  for (uint32_t lane = 0; lane < device::kWarpSize; ++lane) {
    if ((mask >> lane & 1u) != 0) static_cast<Vote*>(payloads[lane])->result = result;
  }
}

}  // namespace

void shuffle_bytes(const char* op, const void* value, void* result, std::size_t bytes, int source,
                   uint32_t mask, const Where& where) {
  if (source < 0 || source >= device::kWarpSize || (mask >> source & 1u) == 0) {
    block_now->fail("thread " + std::to_string(::threadIdx.x) + " calls " + op + " at " +
                    text(where) + " from lane " + std::to_string(source) + ", which takes no part");
  }
  Shuffle mine{value, result, bytes, source};
  meet_warp(op, mask, &mine, combine_shuffle, where);
}

uint32_t vote(const char* op, bool predicate, uint32_t mask, const Where& where) {
  Vote mine{predicate, 0};
  meet_warp(op, mask, &mine, combine_vote, where);
  return mine.result;
}

}  // namespace kintsugi::emulator
