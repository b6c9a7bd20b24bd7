// SPDX-License-Identifier: MIT
//
// Race knows, for every byte of a block's shared memory, who wrote and read it last and whether a
// barrier stands between: a vector clock for every thread. syncthreads, syncwarp, named barriers,
// mbarriers and acquire/release order accesses; shuffles, votes, ldmatrix and mma do not, whatever
// the schedule makes of them. It also knows what was never written, and what an asynchronous copy
// still owns. It exists only where the hooks are linked (hooks.cpp); a Block owns it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/emulator/place.h"

namespace kintsugi::emulator {

/// What a barrier that is not everybody's knows: how far each thread was when it arrived.
struct Clock {
  uint32_t epoch = 0;
  std::vector<uint32_t> seen;
};

class Race {
 public:
  void start(unsigned threads, const std::byte* shared, std::size_t bytes);

  // ---- what orders
  void join_block();
  void join_lanes(unsigned warp, uint32_t lanes);
  void join_barrier(const std::vector<uint16_t>& came, const std::vector<uint16_t>& waiting);
  /// The running thread leaves what it did with `clock`, or takes up what others left there.
  void release(Clock& clock);
  void acquire(const Clock& clock);

  /// What is read between the two is read by the tensor core of warpgroup `group`, which knows what
  /// the running thread knows; at the end the 128 threads of the group know that it has been done.
  void begin_engine(unsigned group);
  void end_engine();

  // ---- accesses of the running thread; each ends the block where it breaks a rule
  void read(const void* p, std::size_t bytes, Place place);
  void write(const void* p, std::size_t bytes, Place place);
  /// Atomics do not race with each other; what they touch has been written.
  void atomic(const void* p, std::size_t bytes);
  /// An asynchronous copy owns the bytes from `issue` until `land`, which its thread or the
  /// transfer's completion calls.
  void issue(const void* p, std::size_t bytes, Place place);
  void land(const void* p, std::size_t bytes);
  /// For a transfer that `thread` asked for, and whose barrier knows of it from now on.
  void land_by(unsigned thread, const void* p, std::size_t bytes, Clock& barrier);

 private:
  struct Access {
    Place place;
    uint32_t epoch = 0;
    uint32_t clock = 0;
    uint16_t thread = 0;
  };
  struct Cell {
    Access write;
    Access read;
    uint32_t more = 0;  // further readers: 1 + index in more_
  };

  uint32_t* knowledge(unsigned thread);
  [[nodiscard]] unsigned self() const;
  [[nodiscard]] std::string who(unsigned thread) const;
  [[nodiscard]] bool ordered(const Access& before, unsigned thread, const uint32_t* seen) const;
  [[nodiscard]] std::size_t offset(const void* p) const;
  void check_reads(const Cell& cell, std::size_t at, unsigned self, const uint32_t* seen,
                   const Access& access);
  [[noreturn]] void report(const char* does, const Access& access, const char* did,
                           const Access& before, std::size_t at);

  unsigned threads_ = 0;  // those of the block, then a tensor core for every warpgroup
  unsigned engines_ = 0;  // how many of them are no threads
  int engine_ = -1;       // the one that acts now
  const std::byte* shared_ = nullptr;
  uint32_t epoch_ = 0;               // grows with every syncthreads, and never falls
  uint32_t first_epoch_ = 0;         // of this block
  std::vector<uint32_t> knowledge_;  // [thread][thread]: how far the row knows the column to be
  std::vector<uint32_t> row_epoch_;
  std::vector<Cell> cells_;
  std::vector<std::vector<Access>> more_;
};

}  // namespace kintsugi::emulator
