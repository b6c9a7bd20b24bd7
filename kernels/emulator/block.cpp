// SPDX-License-Identifier: MIT
#include "kernels/emulator/block.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <new>

#include "kernels/emulator/async.h"
#include "kernels/emulator/banks.h"
#include "kernels/emulator/index.h"
#include "kernels/emulator/race.h"
#include "kernels/emulator/sanitizer.h"

namespace kintsugi::emulator {

constinit thread_local Block* block_now = nullptr;

namespace {

using device::kMaxSharedBytes;
using device::kSharedAlignment;
using device::kWarpSize;

constexpr std::size_t kArenaGuard = 4096;
constexpr std::size_t kCanary = 256;
constexpr auto kCanaryByte = std::byte{0xa5};
constexpr uint32_t kAll = device::kAllLanes;

uint64_t next_random(uint64_t& state) {  // xorshift64*
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1dULL;
}

/// "threads 0-31, 64" of ascending numbers.
std::string ranges(const std::vector<unsigned>& numbers) {
  std::string text = numbers.size() == 1 ? "thread " : "threads ";
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (i > 0) text += ", ";
    text += std::to_string(numbers[i]);
    if (last > i) text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace

Block::Block() {
  void* heap = nullptr;
  if (posix_memalign(&heap, kArenaGuard, kMaxSharedBytes + 2 * kArenaGuard) != 0) {
    throw std::bad_alloc();
  }
  heap_ = static_cast<std::byte*>(heap);
  shared = heap_ + kArenaGuard;
  static_assert(kArenaGuard % kSharedAlignment == 0);
  name_kernels_in_reports();
  if (race_detector()) race = std::make_unique<Race>();
  banks = std::make_unique<BankCounter>();
  async = std::make_unique<AsyncState>();
}

Block::~Block() {
  unpoison(heap_, kMaxSharedBytes + 2 * kArenaGuard);
  std::free(heap_);
}

void Block::start(const Launch& what, const Memory& where, device::Grid at, uint64_t seed) {
  launch = &what;
  memory = &where;
  last_buffers = {};
  index = at;
  random = seed * 0x9e3779b97f4a7c15ULL + 1;
  counted = {};
  if (!stacks_ || stacks_->count() < what.threads) stacks_ = std::make_unique<Stacks>(what.threads);
  threads.resize(what.threads);
  warps.resize(what.threads / kWarpSize);
  for (unsigned i = 0; i < what.threads; ++i) {
    Thread& thread = threads[i];
    stacks_->prepare(thread.fiber, i, &Block::enter);
    thread.finished = false;
    thread.spinning = false;
    thread.copies.clear();
    thread.first_copy = 0;
    thread.groups = 0;
  }
  for (unsigned w = 0; w < warps.size(); ++w) {
    warps[w].count = 0;
    warps[w].finished = 0;
    ready_[w] = kAll;
  }
  for (Barrier& barrier : barriers) barrier = {};
  *async = {};
  finished_ = 0;
  spinning_ = 0;
  started_ = false;
  sentence_.clear();

  unpoison(heap_, kMaxSharedBytes + 2 * kArenaGuard);
  std::memset(shared, 0xff, what.shared_bytes);
  std::memset(shared + what.shared_bytes, static_cast<int>(kCanaryByte), kCanary);
  std::memset(shared - kCanary, static_cast<int>(kCanaryByte), kCanary);
  poison(heap_, kArenaGuard);
  poison(shared + what.shared_bytes, kMaxSharedBytes - what.shared_bytes + kArenaGuard);
  if (race) race->start(what.threads, shared, what.shared_bytes);
  if (settings().count_banks) banks->start();
}

Block::Status Block::run() {
  block_now = this;
  ::blockIdx = {index.x, index.y, index.z};
  ::blockDim = {launch->threads, 1, 1};
  ::gridDim = {launch->grid.x, launch->grid.y, launch->grid.z};
  moved_ = false;
  progress_ = true;  // each spinner is asked once
  int to = -1;
  if (!started_) {
    started_ = true;
    // Before the first thread's ready bit: the order begins at its end.
    to = pick(settings().order == Order::reverse ? 0 : launch->threads - 1);
  } else {
    to = next(launch->threads - 1);
    moved_ = false;  // to have asked is not to have moved
  }
  status_ = Status::stuck;
  if (to >= 0) {
    ::threadIdx.x = static_cast<unsigned>(to);
    switch_fiber(worker_, threads[static_cast<unsigned>(to)].fiber);
  }
  if (status_ == Status::finished) check_guards();
  block_now = nullptr;
  return status_;
}

void Block::check_guards() {
  unpoison(heap_, kMaxSharedBytes + 2 * kArenaGuard);
  const auto broken = [](const std::byte* p) {
    return !std::all_of(p, p + kCanary, [](std::byte b) { return b == kCanaryByte; });
  };
  const bool before = broken(shared - kCanary);
  if (before || broken(shared + launch->shared_bytes)) {
    sentence_ = named(std::string("wrote ") + (before ? "before" : "past") + " its " +
                      std::to_string(launch->shared_bytes) + " bytes of shared memory");
    status_ = Status::failed;
  }
  if (settings().count_banks) banks->flush(counted.shared16);
}

std::string Block::named(const std::string& what) const {
  return "kernel " + launch->kernel + ", block (" + std::to_string(index.x) + ", " +
         std::to_string(index.y) + ", " + std::to_string(index.z) + "): " + what;
}

void Block::fail(const std::string& what) {
  sentence_ = named(what);
  status_ = Status::failed;
  leave(::threadIdx.x, -1);
}

std::string Block::waiting() const {
  std::map<std::string, std::vector<unsigned>> groups;
  for (unsigned i = 0; i < threads.size(); ++i) {
    const Thread& thread = threads[i];
    if (thread.finished || (ready_[i / kWarpSize] >> (i % kWarpSize) & 1u) != 0) continue;
    groups[std::string(thread.doing) + " at " + text(thread.where)].push_back(i);
  }
  std::string said;
  for (const auto& [place, who] : groups) {
    if (!said.empty()) said += "; ";
    said += ranges(who) + (who.size() == 1 ? " waits in " : " wait in ") + place;
  }
  if (finished_ > 0) said += "; " + std::to_string(finished_) + " have exited";
  return "no thread can go on: " + said + async_state(*this);
}

// ---- on the fibers' stacks ---------------------------------------------------------------------

void Block::enter() {
  Block* block = block_now;
  arrived(block->threads[::threadIdx.x].fiber, block->worker_);
  const char* thrown = nullptr;
  try {
    block->launch->body();
  } catch (...) {
    thrown = "threw an exception";
  }
  if (thrown != nullptr) block->fail(thrown);
  block->finish();
}

void Block::finish() {
  const unsigned self = ::threadIdx.x;
  const unsigned w = self / kWarpSize;
  const uint32_t bit = 1u << (self % kWarpSize);
  Thread& thread = threads[self];
  for (unsigned i = 0; i < warps[w].count; ++i) {
    const Meeting& meeting = warps[w].open[i];
    if ((meeting.mask & bit) == 0) continue;
    fail("thread " + std::to_string(self) + " exits while others of its warp wait for it in " +
         meeting.op + " at " + text(meeting.where));
  }
  if (barriers[0].arrived > 0) {
    fail("thread " + std::to_string(self) + " exits while " + std::to_string(barriers[0].arrived) +
         " threads wait for it in syncthreads at " + text(barriers[0].where));
  }
  if (thread.first_copy < thread.copies.size()) {
    fail("thread " + std::to_string(self) + " exits without having waited for its cp_async at " +
         text(thread.copies[thread.first_copy].where));
  }
  if (finished_ + 1 == threads.size() && !async->transfers.empty()) {
    fail("the last thread exits while the tma_load at " + text(async->transfers.front().where) +
         " is under way, which nobody has waited for");
  }
  thread.finished = true;
  warps[w].finished |= bit;
  ready_[w] &= ~bit;
  ++finished_;
  progress_ = moved_ = true;
  const int to = finished_ == threads.size() ? -1 : next(self);
  if (finished_ == threads.size()) status_ = Status::finished;
  leave(self, to);
}

void Block::leave(unsigned self, int to) {
  Fiber& target = to < 0 ? worker_ : threads[static_cast<unsigned>(to)].fiber;
  if (to >= 0) ::threadIdx.x = static_cast<unsigned>(to);
  switch_fiber(threads[self].fiber, target);
  std::abort();  // unreachable: nobody goes on with a thread that has left
}

void Block::suspend(const char* op, const Where& where) {
  const unsigned self = ::threadIdx.x;
  Thread& thread = threads[self];
  thread.doing = op;
  thread.where = where;
  ready_[self / kWarpSize] &= ~(1u << (self % kWarpSize));
  const int to = next(self);
  if (to == static_cast<int>(self)) return;
  if (to < 0) {
    switch_fiber(thread.fiber, worker_);
  } else {
    ::threadIdx.x = static_cast<unsigned>(to);
    switch_fiber(thread.fiber, threads[static_cast<unsigned>(to)].fiber);
  }
}

void Block::wake(unsigned thread) { wake_lanes(thread / kWarpSize, 1u << (thread % kWarpSize)); }

void Block::wake_lanes(unsigned warp, uint32_t lanes) {
  ready_[warp] |= lanes;
  progress_ = moved_ = true;
}

void Block::spin(const Where& where) {
  Thread& thread = threads[::threadIdx.x];
  if (!thread.spinning) {
    thread.spinning = true;
    progress_ = moved_ = true;  // it did something before it came here
    ++spinning_;
  }
  suspend("spin_until", where);
}

void Block::spun() {
  threads[::threadIdx.x].spinning = false;
  --spinning_;
  progress_ = moved_ = true;
}

int Block::next(unsigned after) {
  for (;;) {
    const int to = pick(after);
    if (to >= 0) return to;
    if (complete_async(*this)) continue;  // as late as can be
    if (spinning_ == 0 || !progress_) return -1;
    progress_ = false;
    for (unsigned i = 0; i < threads.size(); ++i) {
      if (threads[i].spinning) ready_[i / kWarpSize] |= 1u << (i % kWarpSize);
    }
  }
}

int Block::pick(unsigned after) {
  const auto count = static_cast<unsigned>(warps.size());
  const Order order = settings().order;
  if (order == Order::random) {
    after = static_cast<unsigned>(next_random(random) >> 33) % launch->threads;
  }
  const unsigned lane = after % kWarpSize;
  unsigned w = after / kWarpSize;
  if (order == Order::reverse) {
    uint32_t lanes = ready_[w] & ((1u << lane) - 1);
    for (unsigned i = 0; i <= count; ++i) {
      if (lanes != 0) return static_cast<int>(w * kWarpSize + 31) - std::countl_zero(lanes);
      w = w == 0 ? count - 1 : w - 1;
      lanes = ready_[w];
    }
    return -1;
  }
  uint32_t lanes = lane == 31 ? 0 : ready_[w] & (kAll << (lane + 1));
  for (unsigned i = 0; i <= count; ++i) {
    if (lanes != 0) {
      return static_cast<int>(w * kWarpSize + static_cast<unsigned>(std::countr_zero(lanes)));
    }
    w = w + 1 == count ? 0 : w + 1;
    lanes = ready_[w];
  }
  return -1;
}

bool Block::in_arena(const void* p) const {
  const auto* at = static_cast<const std::byte*>(p);
  return at >= heap_ && at < heap_ + kMaxSharedBytes + 2 * kArenaGuard;
}

}  // namespace kintsugi::emulator
