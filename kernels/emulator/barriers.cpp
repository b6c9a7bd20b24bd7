// SPDX-License-Identifier: MIT
#include "kernels/emulator/access.h"
#include "kernels/emulator/async.h"
#include "kernels/emulator/block.h"
#include "kernels/emulator/index.h"

namespace kintsugi::emulator {

namespace {

uint64_t next_random(uint64_t& state) {
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return state >> 33;
}

PhaseBarrier& find(Block& block, void* barrier, const char* op, const Where& where) {
  check_shared(block, op, barrier, 8, 8, where);
  const auto found = block.async->barriers.find(barrier);
  if (found == block.async->barriers.end()) {
    block.fail("thread " + std::to_string(::threadIdx.x) + " calls " + op + " at " + text(where) +
               " on an mbarrier that nobody has initialised");
  }
  return found->second;
}

void complete_if_done(Block& block, PhaseBarrier& barrier) {
  if (barrier.missing > 0 || barrier.bytes != 0) return;
  ++barrier.phase;
  barrier.missing = barrier.count;
  barrier.completed = barrier.gathering;
  barrier.gathering = {};
  for (const unsigned thread : barrier.waiting) block.wake(thread);
  barrier.waiting.clear();
}

/// The phase of that parity has completed when the one under way has the other.
bool passed(const PhaseBarrier& barrier, unsigned parity) { return (barrier.phase & 1u) != parity; }

}  // namespace

void init_barrier(void* barrier, unsigned count, const Where& where) {
  Block& block = *block_now;
  check_shared(block, "mbarrier_init", barrier, 8, 8, where);
  if (count == 0) {
    block.fail("thread " + std::to_string(::threadIdx.x) + " calls mbarrier_init at " +
               text(where) + " with no arrivals to wait for");
  }
  if (block.race) block.race->write(barrier, 8, where);
  PhaseBarrier& state = block.async->barriers[barrier];
  state = {};
  state.count = state.missing = count;
  state.where = where;
}

void arrive_barrier(void* name, int64_t expected_bytes, const Where& where) {
  Block& block = *block_now;
  PhaseBarrier& barrier = find(block, name, "mbarrier_arrive", where);
  if (block.race) {
    block.race->read(name, 8, where);  // its init must have been seen
    block.race->release(barrier.gathering);
  }
  if (barrier.missing == 0) {
    block.fail("thread " + std::to_string(::threadIdx.x) + " calls mbarrier_arrive at " +
               text(where) + " once more than the " + std::to_string(barrier.count) +
               " arrivals of its phase");
  }
  --barrier.missing;
  barrier.bytes += expected_bytes;
  complete_if_done(block, barrier);
}

void wait_barrier(void* name, unsigned parity, const Where& where) {
  Block& block = *block_now;
  PhaseBarrier& barrier = find(block, name, "mbarrier_wait", where);
  if (block.race) block.race->read(name, 8, where);
  while (!passed(barrier, parity)) {
    barrier.waiting.push_back(::threadIdx.x);
    block.suspend("mbarrier_wait", where);
  }
  if (block.race) block.race->acquire(barrier.completed);
}

bool test_barrier(void* name, unsigned parity, const Where& where) {
  Block& block = *block_now;
  const PhaseBarrier& barrier = find(block, name, "mbarrier_test", where);
  if (!passed(barrier, parity)) return false;
  if (block.race) block.race->acquire(barrier.completed);
  return true;
}

void complete_bytes(Block& block, void* name, int64_t bytes) {
  PhaseBarrier& barrier = block.async->barriers.at(name);
  barrier.bytes -= bytes;
  complete_if_done(block, barrier);
}

void check_barrier(Block& block, void* barrier, const char* op, const Where& where) {
  static_cast<void>(find(block, barrier, op, where));
}

bool complete_async(Block& block) {
  auto& transfers = block.async->transfers;
  if (transfers.empty()) return false;
  std::size_t which = 0;
  if (settings().order == Order::reverse) which = transfers.size() - 1;
  if (settings().order == Order::random) which = next_random(block.random) % transfers.size();
  const Transfer transfer = transfers[which];
  transfers.erase(transfers.begin() + static_cast<std::ptrdiff_t>(which));
  transfer.run(block);
  return true;
}

std::string async_state(const Block& block) {
  std::string said;
  for (const auto& [name, barrier] : block.async->barriers) {
    if (barrier.waiting.empty()) continue;
    said += "; the mbarrier initialised at " + text(barrier.where) + ", in phase " +
            std::to_string(barrier.phase) + ", lacks " + std::to_string(barrier.missing) +
            " arrivals and " + std::to_string(barrier.bytes) + " bytes";
  }
  return said;
}

}  // namespace kintsugi::emulator
