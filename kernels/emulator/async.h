// SPDX-License-Identifier: MIT
//
// What a kernel begins and waits for later: cp.async, mbarriers, TMA transfers, wgmma. All of it is
// lazy. The destination is poisoned when the copy is issued and filled when it is waited for, or,
// for TMA, when no thread can go on: a missing wait reads NaN and, under the race detector, ends the
// launch. A Block owns the state; the headers of include/kernels/device call.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kernels/device/tensor_map.h"
#include "kernels/emulator/place.h"
#include "kernels/emulator/race.h"
#include "kernels/emulator/wgmma.h"

namespace kintsugi::emulator {

class Block;

void copy_async(void* to, const void* from, unsigned bytes, unsigned valid, const Where& where);
void commit_copies();
/// All groups but the `pending` youngest have arrived.
void wait_copies(unsigned pending);

/// An mbarrier's state; the object in shared memory is only its name.
struct PhaseBarrier {
  unsigned count = 0;    // arrivals that complete a phase
  unsigned missing = 0;  // arrivals still to come
  int64_t bytes = 0;     // still to be transferred: expected minus arrived
  uint32_t phase = 0;    // phases completed
  Where where;           // of its init
  Clock gathering;       // what this phase's arrivals know
  Clock completed;       // what the last phase's did
  std::vector<unsigned> waiting;
};

/// A transfer that the copy engine has not done yet.
struct Transfer {
  std::function<void(Block&)> run;
  Where where;
};

struct AsyncState {
  std::map<const void*, PhaseBarrier> barriers;
  std::deque<Transfer> transfers;
  std::map<const void*, Clock> flags;  // of release stores and acquire loads
  std::vector<WarpGroup> groups;       // of 128 threads; empty until one uses wgmma
};

void init_barrier(void* barrier, unsigned count, const Where& where);
void arrive_barrier(void* name, int64_t expected_bytes, const Where& where);
void wait_barrier(void* name, unsigned parity, const Where& where);
[[nodiscard]] bool test_barrier(void* name, unsigned parity, const Where& where);
/// `bytes` of a transfer have arrived.
void complete_bytes(Block& block, void* name, int64_t bytes);

/// Ends the block unless `barrier` has been initialised.
void check_barrier(Block& block, void* barrier, const char* op, const Where& where);

/// TMA: the box at [row, column] to `to`.
void begin_transfer(void* to, const device::TensorMap& map, void* barrier, int row, int column,
                    const Where& where);

/// Lets one transfer arrive; false if none is under way.
bool complete_async(Block& block);
/// "; the mbarrier ... lacks 2 arrivals and 4096 bytes" for each that somebody waits for.
[[nodiscard]] std::string async_state(const Block& block);

}  // namespace kintsugi::emulator
