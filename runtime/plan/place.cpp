// SPDX-License-Identifier: MIT
//
// place: lifetimes to offsets. The largest slot is placed first, each at the lowest offset where
// nothing that is alive at the same time stands. Integers only: the arena's size is known before
// any of it is allocated, and a fuzzer can hold the result against the two rules it must keep.
#include <algorithm>
#include <functional>

#include "runtime/plan/plan.h"

namespace kintsugi::plan {
namespace {

constexpr int64_t kAlignment = 64;  // a cache line, and the widest vector

/// Slots that have their place, by the steps at which they are alive.
class Alive {
 public:
  explicit Alive(std::span<const Slot> slots) {
    for (const Slot& slot : slots) {
      if (slot.last >= static_cast<int>(steps_.size()) - 1) {
        steps_.resize(static_cast<size_t>(slot.last) + 2);
      }
    }
  }
  void add(const Slot& slot) {
    for (int step = slot.first; step <= slot.last; ++step) at(step).push_back(&slot);
  }
  /// Those alive together with `slot`, by offset.
  [[nodiscard]] std::vector<const Slot*> beside(const Slot& slot) {
    std::vector<const Slot*> found;
    for (int step = slot.first; step <= slot.last; ++step) {
      for (const Slot* other : at(step)) {
        if (std::max(other->first, slot.first) == step) found.push_back(other);  // each once
      }
    }
    std::ranges::sort(found, {}, &Slot::offset);
    return found;
  }

 private:
  std::vector<const Slot*>& at(int step) { return steps_[static_cast<size_t>(step + 1)]; }
  std::vector<std::vector<const Slot*>> steps_;  // from -1 on
};

}  // namespace

int64_t place(std::span<Slot> slots, bool reuse) {
  std::vector<Slot*> order;
  for (Slot& slot : slots) {
    if (!slot.state && slot.bytes > 0) order.push_back(&slot);
  }
  std::ranges::stable_sort(order, std::greater{}, &Slot::bytes);

  int64_t arena = 0;
  Alive alive(slots);
  for (Slot* slot : order) {
    slot->offset = reuse ? 0 : round_up(arena, kAlignment);
    if (reuse) {
      for (const Slot* other : alive.beside(*slot)) {
        if (slot->offset + slot->bytes <= other->offset) break;  // fits in the gap before it
        slot->offset = std::max(slot->offset, round_up(other->offset + other->bytes, kAlignment));
      }
      alive.add(*slot);
    }
    arena = std::max(arena, checked_add(slot->offset, slot->bytes));
  }
  return round_up(arena, kAlignment);
}

}  // namespace kintsugi::plan
