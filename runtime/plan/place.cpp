// SPDX-License-Identifier: MIT
//
// place: lifetimes to offsets. The largest slot is placed first, each at the lowest offset where
// nothing that is alive at the same time stands. Integers only: the arena's size is known before
// any of it is allocated, and a fuzzer can hold the result against the two rules it must keep.
#include <algorithm>
#include <numeric>

#include "runtime/plan/plan.h"

namespace kintsugi::plan {
namespace {

constexpr int64_t kAlignment = 64;  // a cache line, and the widest vector

bool alive_together(const Slot& a, const Slot& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

int64_t place(std::span<Slot> slots, bool reuse) {
  std::vector<size_t> order(slots.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](size_t i) { return slots[i].bytes; });

  int64_t arena = 0;
  std::vector<const Slot*> placed;  // by offset
  for (const size_t i : order) {
    Slot& slot = slots[i];
    slot.offset = 0;
    for (const Slot* other : placed) {
      if (reuse && !alive_together(slot, *other)) continue;
      if (slot.offset + slot.bytes <= other->offset) break;  // fits in the gap before it
      slot.offset = std::max(slot.offset, round_up(other->offset + other->bytes, kAlignment));
    }
    const auto at = std::ranges::upper_bound(placed, slot.offset, {},
                                             [](const Slot* other) { return other->offset; });
    placed.insert(at, &slot);
    arena = std::max(arena, checked_add(slot.offset, slot.bytes));
  }
  return round_up(arena, kAlignment);
}

}  // namespace kintsugi::plan
