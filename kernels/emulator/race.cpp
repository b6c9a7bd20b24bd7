// SPDX-License-Identifier: MIT
#include "kernels/emulator/race.h"

#include <algorithm>

#include "kernels/emulator/block.h"
#include "kernels/emulator/index.h"
#include "kernels/emulator/wgmma.h"

namespace kintsugi::emulator {

namespace {

constexpr uint32_t kInFlight = 0xffffffffu;  // a clock that nobody has reached
using device::kWarpSize;

}  // namespace

void Race::start(unsigned threads, const std::byte* shared, std::size_t bytes) {
  engine_ = -1;
  engines_ = threads / kGroupThreads;
  threads += engines_;
  if (threads != threads_) {
    threads_ = threads;
    knowledge_.assign(std::size_t{threads} * threads, 0);
    row_epoch_.assign(threads, 0);
  }
  shared_ = shared;
  if (cells_.size() < bytes) cells_.resize(bytes);
  first_epoch_ = ++epoch_;
  more_.clear();
}

uint32_t* Race::knowledge(unsigned thread) {
  uint32_t* row = &knowledge_[std::size_t{thread} * threads_];
  if (row_epoch_[thread] != epoch_) {  // everything before the last syncthreads is known anyway
    row_epoch_[thread] = epoch_;
    std::fill_n(row, threads_, 0);
    row[thread] = 1;
  }
  return row;
}

void Race::join_block() { ++epoch_; }

void Race::join_lanes(unsigned warp, uint32_t lanes) {
  std::vector<uint16_t> members;
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    if ((lanes >> lane & 1u) != 0)
      members.push_back(static_cast<uint16_t>(warp * kWarpSize + lane));
  }
  join_barrier(members, members);
}

void Race::join_barrier(const std::vector<uint16_t>& came, const std::vector<uint16_t>& waiting) {
  std::vector<uint32_t> joint(threads_, 0);
  for (const uint16_t thread : came) {
    const uint32_t* row = knowledge(thread);
    for (unsigned i = 0; i < threads_; ++i) joint[i] = std::max(joint[i], row[i]);
  }
  for (const uint16_t thread : waiting) {
    uint32_t* row = knowledge(thread);
    for (unsigned i = 0; i < threads_; ++i) row[i] = std::max(joint[i], row[i]);
  }
  for (const uint16_t thread : came) ++knowledge(thread)[thread];
}

void Race::release(Clock& clock) {
  uint32_t* row = knowledge(::threadIdx.x);
  if (clock.epoch != epoch_) {
    clock.epoch = epoch_;
    clock.seen.assign(threads_, 0);
  }
  for (unsigned i = 0; i < threads_; ++i) clock.seen[i] = std::max(clock.seen[i], row[i]);
  ++row[::threadIdx.x];
}

void Race::acquire(const Clock& clock) {
  if (clock.epoch != epoch_ || clock.seen.empty()) return;
  uint32_t* row = knowledge(::threadIdx.x);
  for (unsigned i = 0; i < threads_; ++i) row[i] = std::max(clock.seen[i], row[i]);
}

unsigned Race::self() const {
  return engine_ < 0 ? ::threadIdx.x : threads_ - engines_ + static_cast<unsigned>(engine_);
}

std::string Race::who(unsigned thread) const {
  const unsigned real = threads_ - engines_;
  if (thread < real) return "thread " + std::to_string(thread);
  return "the wgmma of warpgroup " + std::to_string(thread - real);
}

void Race::begin_engine(unsigned group) {
  const uint32_t* mine = knowledge(::threadIdx.x);
  engine_ = static_cast<int>(group);
  uint32_t* row = knowledge(self());
  for (unsigned i = 0; i < threads_; ++i) row[i] = std::max(row[i], mine[i]);
}

void Race::end_engine() {
  const unsigned engine = self();
  const unsigned first = static_cast<unsigned>(engine_) * kGroupThreads;
  engine_ = -1;
  const uint32_t done = knowledge(engine)[engine]++;
  for (unsigned i = first; i < first + kGroupThreads; ++i) {
    uint32_t* row = knowledge(i);
    row[engine] = std::max(row[engine], done);
  }
}

bool Race::ordered(const Access& before, unsigned thread, const uint32_t* seen) const {
  if (before.clock == kInFlight) return before.epoch < first_epoch_;
  return before.epoch != epoch_ || before.thread == thread || before.clock <= seen[before.thread];
}

void Race::atomic(const void* p, std::size_t bytes) {
  const std::size_t begin = offset(p);
  for (std::size_t at = begin; at < begin + bytes; ++at) {
    if (cells_[at].write.epoch < first_epoch_) cells_[at].write.epoch = first_epoch_;
  }
}

std::size_t Race::offset(const void* p) const {
  return static_cast<std::size_t>(static_cast<const std::byte*>(p) - shared_);
}

void Race::report(const char* does, const Access& access, const char* did, const Access& before,
                  std::size_t at) {
  std::string said = "race: " + who(access.thread) + " " + does + " byte " + std::to_string(at) +
                     " of shared memory at " + access.place.text();
  if (before.clock == kInFlight) {
    said += ", where an asynchronous copy that " + who(before.thread) + " issued at " +
            before.place.text() + " has not been waited for";
  } else {
    said += ", " + who(before.thread) + " " + did + " it at " + before.place.text() +
            ", and no barrier stands between";
  }
  block_now->fail(said);
}

void Race::check_reads(const Cell& cell, std::size_t at, unsigned self, const uint32_t* seen,
                       const Access& access) {
  if (cell.read.epoch < first_epoch_) return;  // nobody has, in this block
  if (!ordered(cell.read, self, seen)) report("writes", access, "reads", cell.read, at);
  if (cell.more == 0) return;
  for (const Access& read : more_[cell.more - 1]) {
    if (!ordered(read, self, seen)) report("writes", access, "reads", read, at);
  }
}

void Race::read(const void* p, std::size_t bytes, Place place) {
  const unsigned self = this->self();
  const uint32_t* seen = knowledge(self);
  const Access access{place, epoch_, seen[self], static_cast<uint16_t>(self)};
  const std::size_t begin = offset(p);
  for (std::size_t at = begin; at < begin + bytes; ++at) {
    Cell& cell = cells_[at];
    if (cell.write.epoch < first_epoch_) {
      block_now->fail(who(self) + " reads byte " + std::to_string(at) + " of shared memory at " +
                      place.text() + ", which was never written");
    }
    if (!ordered(cell.write, self, seen)) report("reads", access, "wrote", cell.write, at);
    // A reader that comes before this one in order needs no memory of its own.
    if (cell.read.epoch < first_epoch_) {
      cell.read = access;
      cell.more = 0;
    } else if (ordered(cell.read, self, seen)) {
      cell.read = access;
    } else {
      if (cell.more == 0) {
        more_.emplace_back();
        cell.more = static_cast<uint32_t>(more_.size());
      }
      std::vector<Access>& readers = more_[cell.more - 1];
      const auto replaced = std::find_if(readers.begin(), readers.end(),
                                         [&](const Access& a) { return ordered(a, self, seen); });
      if (replaced != readers.end()) {
        *replaced = access;
      } else {
        readers.push_back(access);
      }
    }
  }
}

void Race::write(const void* p, std::size_t bytes, Place place) {
  const unsigned self = this->self();
  const uint32_t* seen = knowledge(self);
  const Access access{place, epoch_, seen[self], static_cast<uint16_t>(self)};
  const std::size_t begin = offset(p);
  for (std::size_t at = begin; at < begin + bytes; ++at) {
    Cell& cell = cells_[at];
    if (!ordered(cell.write, self, seen)) report("writes", access, "wrote", cell.write, at);
    check_reads(cell, at, self, seen, access);
    cell.write = access;
    cell.read = {};
    cell.more = 0;
  }
}

void Race::issue(const void* p, std::size_t bytes, Place place) {
  write(p, bytes, place);
  const std::size_t begin = offset(p);
  for (std::size_t at = begin; at < begin + bytes; ++at) cells_[at].write.clock = kInFlight;
}

void Race::land(const void* p, std::size_t bytes) {
  const std::size_t begin = offset(p);
  for (std::size_t at = begin; at < begin + bytes; ++at) {
    Access& write = cells_[at].write;
    write.epoch = epoch_;
    write.clock = knowledge(write.thread)[write.thread];
  }
}

void Race::land_by(unsigned thread, const void* p, std::size_t bytes, Clock& barrier) {
  land(p, bytes);
  if (barrier.epoch != epoch_) {
    barrier.epoch = epoch_;
    barrier.seen.assign(threads_, 0);
  }
  uint32_t* row = knowledge(thread);
  barrier.seen[thread] = std::max(barrier.seen[thread], row[thread]);
  ++row[thread];
}

}  // namespace kintsugi::emulator
