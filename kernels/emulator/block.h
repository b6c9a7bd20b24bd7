// SPDX-License-Identifier: MIT
//
// Block runs the threads of one CUDA block as fibers of one worker: which can go on, which goes on
// next, what is said when none can. A thread runs until it waits; nothing preempts it. Everything a
// thread can wait for is built on suspend and wake (collective.h, async.h). A worker owns a Block
// and uses it for one block after another; the files of this folder read and write its fields.
//
// A broken kernel ends the block, not the program: fail() keeps the sentence and goes back to the
// worker without unwinding the fibers. So nothing on a fiber's stack may own anything.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device/fragment.h"
#include "kernels/device/grid.h"
#include "kernels/emulator/emulator.h"
#include "kernels/emulator/fiber.h"
#include "kernels/emulator/memory.h"
#include "kernels/emulator/place.h"

namespace kintsugi::emulator {

class Race;
struct BankCounter;
struct AsyncState;

/// What is to be run: made by device::launch, kept by the stream until it is synchronised.
struct Launch {
  std::string kernel;
  device::Grid grid;
  unsigned threads = 0;
  std::size_t shared_bytes = 0;
  std::function<void()> body;  // what one thread does
};

/// What all lanes of a mask bring to one place: `payloads[lane]` of those in `mask`.
using Combine = void (*)(void* const* payloads, uint32_t mask);

struct Meeting {
  uint32_t mask = 0;
  uint32_t arrived = 0;
  const char* op = nullptr;
  Combine combine = nullptr;
  Where where;
  std::array<void*, device::kWarpSize> payloads;
};

struct Warp {
  std::array<Meeting, device::kWarpSize> open;  // disjoint masks
  unsigned count = 0;
  uint32_t finished = 0;
};

struct Barrier {
  unsigned expected = 0;  // 0: nobody has come
  unsigned arrived = 0;
  Where where;
  std::vector<uint16_t> came;     // who arrived
  std::vector<uint16_t> waiting;  // who of them waits
};

/// One cp.async that has been issued and not been waited for.
struct Copy {
  std::byte* to;
  const std::byte* from;
  uint32_t group;
  uint8_t bytes;
  uint8_t valid;
  Where where;
};

struct Thread {
  Fiber fiber;
  bool finished = false;
  bool spinning = false;
  const char* doing = nullptr;  // what it waits in
  Where where;
  std::vector<Copy> copies;  // oldest first, from `first_copy`
  std::size_t first_copy = 0;
  uint32_t groups = 0;  // committed so far
};

class Block {
 public:
  enum class Status { finished, stuck, failed };

  Block();
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // ---- for the worker
  void start(const Launch& what, const Memory& where, device::Grid at, uint64_t seed);
  /// Runs until all threads have finished, or until all that could go on spin.
  Status run();
  /// Whether the last run changed anything but the number of times a predicate was asked.
  [[nodiscard]] bool moved() const { return moved_; }
  /// Whether any thread spins: then another block may still help.
  [[nodiscard]] bool spins() const { return spinning_ > 0; }
  [[nodiscard]] const std::string& sentence() const { return sentence_; }
  /// Who waits where, for a report that no thread can go on.
  [[nodiscard]] std::string waiting() const;
  [[nodiscard]] std::string named(const std::string& what) const;

  // ---- for what threads call
  /// Ends the block with "kernel ..., block ...: <what>".
  [[noreturn]] void fail(const std::string& what);
  /// The calling thread waits, doing `op`, until someone wakes it.
  void suspend(const char* op, const Where& where);
  void wake(unsigned thread);
  void wake_lanes(unsigned warp, uint32_t lanes);
  /// Asked again once every other thread has waited.
  void spin(const Where& where);
  void spun();

  const Launch* launch = nullptr;
  const Memory* memory = nullptr;
  std::array<const Allocation*, 2> last_buffers{};  // found last: mostly the next ones too
  device::Grid index;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::array<Barrier, 16> barriers;
  Report counted;
  std::byte* shared = nullptr;  // the arena; launch->shared_bytes of it
  std::unique_ptr<Race> race;   // with the race detector linked
  std::unique_ptr<BankCounter> banks;
  std::unique_ptr<AsyncState> async;  // mbarriers, TMA, wgmma
  uint64_t random = 1;

  [[nodiscard]] bool in_arena(const void* p) const;  // or its guards
  [[nodiscard]] bool in_shared(const void* p, std::size_t bytes) const {
    const auto* at = static_cast<const std::byte*>(p);
    return at >= shared && at + bytes <= shared + launch->shared_bytes;
  }
  [[nodiscard]] uint32_t shared_offset(const void* p) const {
    return static_cast<uint32_t>(static_cast<const std::byte*>(p) - shared);
  }

 private:
  static void enter();
  void finish();
  int pick(unsigned after);
  int next(unsigned after);
  [[noreturn]] void leave(unsigned self, int to);
  void check_guards();

  std::unique_ptr<Stacks> stacks_;
  Fiber worker_;
  Status status_ = Status::finished;
  std::string sentence_;
  std::array<uint32_t, device::kWarpSize> ready_{};
  unsigned finished_ = 0;
  unsigned spinning_ = 0;
  bool progress_ = false;
  bool moved_ = false;
  bool started_ = false;
  std::byte* heap_ = nullptr;
};

/// The block whose thread is running here; null on other threads.
extern constinit thread_local Block* block_now;

}  // namespace kintsugi::emulator
