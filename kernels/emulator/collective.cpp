// SPDX-License-Identifier: MIT
#include "kernels/emulator/collective.h"

#include <bit>

#include "kernels/emulator/index.h"
#include "kernels/emulator/race.h"

namespace kintsugi::emulator {

namespace {

using device::kWarpSize;

std::string thread_at(unsigned thread, const char* op, const Where& where) {
  return "thread " + std::to_string(thread) + " calls " + op + " at " + text(where);
}

/// A member that is already there, to be named in a report.
unsigned first_member(unsigned warp, uint32_t lanes) {
  return warp * kWarpSize + static_cast<unsigned>(std::countr_zero(lanes));
}

/// The meeting that this lane's mask names, new or begun; refuses what does not fit together.
Meeting& join(Block& block, unsigned self, const char* op, uint32_t mask, Combine combine,
              const Where& where) {
  const unsigned w = self / kWarpSize;
  const uint32_t bit = 1u << (self % kWarpSize);
  Warp& warp = block.warps[w];
  if ((mask & bit) == 0) block.fail(thread_at(self, op, where) + " with a mask that leaves it out");
  if (const uint32_t gone = mask & warp.finished; gone != 0) {
    block.fail(thread_at(self, op, where) + " and would wait for thread " +
               std::to_string(first_member(w, gone)) + ", which has exited");
  }
  for (unsigned i = 0; i < warp.count; ++i) {
    Meeting& meeting = warp.open[i];
    if ((meeting.mask & mask) == 0) continue;
    const bool fits = meeting.mask == mask && meeting.combine == combine && meeting.op == op &&
                      same(meeting.where, where) && (meeting.arrived & bit) == 0;
    if (fits) return meeting;
    block.fail(thread_at(self, op, where) + " while thread " +
               std::to_string(first_member(w, meeting.arrived)) + " waits for it in " + meeting.op +
               " at " + text(meeting.where) +
               (meeting.mask == mask ? "" : ", and the masks are not the same"));
  }
  Meeting& meeting = warp.open[warp.count++];
  meeting.mask = mask;
  meeting.arrived = 0;
  meeting.op = op;
  meeting.combine = combine;
  meeting.where = where;
  return meeting;
}

void nothing(void* const* /*payloads*/, uint32_t /*mask*/) {}

void order_warp(void* const* /*payloads*/, uint32_t mask) {
  Block& block = *block_now;
  if (!block.race) return;
  block.race->join_lanes(::threadIdx.x / kWarpSize, mask);
}

Barrier& barrier_of(Block& block, unsigned self, const char* op, unsigned id, unsigned count,
                    const Where& where) {
  if (id == 0 || id >= block.barriers.size() || count % kWarpSize != 0 || count == 0 ||
      count > block.threads.size()) {
    block.fail(thread_at(self, op, where) + " with barrier " + std::to_string(id) + " of " +
               std::to_string(count) + " threads; there are 1 to 15, of whole warps of the block");
  }
  Barrier& barrier = block.barriers[id];
  if (barrier.expected == 0) {
    barrier.expected = count;
    barrier.where = where;
  } else if (barrier.expected != count) {
    block.fail(thread_at(self, op, where) + " for " + std::to_string(count) +
               " threads while others wait in barrier " + std::to_string(id) + " at " +
               text(barrier.where) + " for " + std::to_string(barrier.expected));
  }
  return barrier;
}

/// True when the caller was the last: everyone has been woken.
bool complete(Block& block, Barrier& barrier) {
  if (++barrier.arrived < barrier.expected) return false;
  if (block.race) block.race->join_barrier(barrier.came, barrier.waiting);
  for (const uint16_t thread : barrier.waiting) block.wake(thread);
  barrier.expected = barrier.arrived = 0;
  barrier.came.clear();
  barrier.waiting.clear();
  return true;
}

}  // namespace

void meet_warp(const char* op, uint32_t mask, void* payload, Combine combine, const Where& where) {
  Block& block = *block_now;
  const unsigned self = ::threadIdx.x;
  const unsigned w = self / kWarpSize;
  Meeting& meeting = join(block, self, op, mask, combine, where);
  meeting.payloads[self % kWarpSize] = payload;
  meeting.arrived |= 1u << (self % kWarpSize);
  if (meeting.arrived != meeting.mask) {
    block.suspend(op, where);
    return;
  }
  combine(meeting.payloads.data(), mask);
  Warp& warp = block.warps[w];
  Meeting& last = warp.open[--warp.count];
  if (&last != &meeting) meeting = last;
  block.wake_lanes(w, mask);
}

void sync_warp(uint32_t mask, const Where& where) {
  Block& block = *block_now;
  meet_warp("syncwarp", mask, nullptr, block.race ? order_warp : nothing, where);
}

void sync_block(const Where& where) {
  Block& block = *block_now;
  const unsigned self = ::threadIdx.x;
  Barrier& barrier = block.barriers[0];
  for (unsigned w = 0; w < block.warps.size(); ++w) {
    if (block.warps[w].finished == 0) continue;
    block.fail(thread_at(self, "syncthreads", where) + " and would wait for thread " +
               std::to_string(first_member(w, block.warps[w].finished)) + ", which has exited");
  }
  if (barrier.arrived == 0) {
    barrier.expected = static_cast<unsigned>(block.threads.size());
    barrier.where = where;
  } else if (!same(barrier.where, where)) {
    block.fail(thread_at(self, "syncthreads", where) + " while thread " +
               std::to_string(barrier.came.front()) + " waits for it in syncthreads at " +
               text(barrier.where));
  }
  barrier.came.push_back(static_cast<uint16_t>(self));
  if (++barrier.arrived < barrier.expected) {
    block.suspend("syncthreads", where);
    return;
  }
  if (block.race) block.race->join_block();
  for (unsigned w = 0; w < block.warps.size(); ++w) block.wake_lanes(w, device::kAllLanes);
  barrier.expected = barrier.arrived = 0;
  barrier.came.clear();
}

void sync_named(unsigned id, unsigned count, const Where& where) {
  Block& block = *block_now;
  const unsigned self = ::threadIdx.x;
  Barrier& barrier = barrier_of(block, self, "barrier_sync", id, count, where);
  barrier.came.push_back(static_cast<uint16_t>(self));
  barrier.waiting.push_back(static_cast<uint16_t>(self));
  if (!complete(block, barrier)) block.suspend("barrier_sync", where);
}

void arrive_named(unsigned id, unsigned count, const Where& where) {
  Block& block = *block_now;
  const unsigned self = ::threadIdx.x;
  Barrier& barrier = barrier_of(block, self, "barrier_arrive", id, count, where);
  barrier.came.push_back(static_cast<uint16_t>(self));
  complete(block, barrier);
}

}  // namespace kintsugi::emulator
