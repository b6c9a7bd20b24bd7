// SPDX-License-Identifier: MIT
//
// place() must keep two rules, whatever the lifetimes: nothing alive at the same time overlaps, and
// no slot leaves the arena. Seeded random lifetimes hold it to them.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "runtime/plan/plan.h"

namespace kintsugi::plan {
namespace {

std::vector<Slot> random_slots(uint64_t seed) {
  std::mt19937_64 engine(seed);
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(engine);
  };
  const int steps = draw(1, 30);
  std::vector<Slot> slots(static_cast<size_t>(draw(1, 40)));
  for (Slot& slot : slots) {
    slot.bytes = draw(0, 5) == 0 ? 0 : draw(1, 10000);
    slot.first = draw(-1, steps);
    slot.last = draw(slot.first, steps);
  }
  return slots;
}

bool overlap(const Slot& a, const Slot& b) {
  const bool time = a.first <= b.last && b.first <= a.last;
  const bool space = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
  return time && space && a.bytes > 0 && b.bytes > 0;
}

TEST(Place, NothingAliveOverlaps) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    std::vector<Slot> slots = random_slots(seed);
    const int64_t arena = place(slots, true);
    for (size_t i = 0; i < slots.size(); ++i) {
      ASSERT_GE(slots[i].offset, 0);
      ASSERT_EQ(slots[i].offset % 64, 0);
      ASSERT_LE(slots[i].offset + slots[i].bytes, arena);
      for (size_t j = 0; j < i; ++j) ASSERT_FALSE(overlap(slots[i], slots[j])) << "seed " << seed;
    }
  }
}

TEST(Place, NeverBelowWhatIsAliveAtOnceNorAboveTheSum) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    std::vector<Slot> slots = random_slots(seed);
    const int64_t arena = place(slots, true);
    int64_t most = 0;
    for (int step = -1; step <= 30; ++step) {
      int64_t alive = 0;
      for (const Slot& slot : slots)
        alive += slot.first <= step && step <= slot.last ? slot.bytes : 0;
      most = std::max(most, alive);
    }
    EXPECT_GE(arena, most);
    EXPECT_LE(arena, place(slots, false));
  }
}

TEST(Place, AChainNeedsItsTwoLargestNeighbours) {
  std::vector<Slot> slots;
  for (int i = 0; i < 5; ++i) {
    slots.push_back({.bytes = 640 * (i % 2 + 1), .first = i, .last = i + 1});
  }
  EXPECT_EQ(place(slots, true), 640 + 1280);
}

TEST(Place, WithoutReuseAllStandApart) {
  std::vector<Slot> slots(3, Slot{.bytes = 100, .first = 0, .last = 0});
  slots[1].first = slots[1].last = 5;
  EXPECT_EQ(place(slots, false), 128 * 3);
}

TEST(Place, NothingNeedsNothing) { EXPECT_EQ(place({}, true), 0); }

}  // namespace
}  // namespace kintsugi::plan
