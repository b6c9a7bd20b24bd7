// SPDX-License-Identifier: MIT
#include "kernels/emulator/launch.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <numeric>
#include <thread>

#include "kernels/core/error.h"
#include "kernels/emulator/hooks.h"
#include "kernels/emulator/index.h"

constinit thread_local kintsugi::emulator::Index3 threadIdx;
constinit thread_local kintsugi::emulator::Index3 blockIdx;
constinit thread_local kintsugi::emulator::Index3 blockDim;
constinit thread_local kintsugi::emulator::Index3 gridDim;

namespace kintsugi::emulator {

namespace {

Settings& current_settings() {
  static Settings settings;
  return settings;
}

constinit bool race_detector_linked = false;

struct Reports {
  std::mutex mutex;
  std::vector<Report> done;
};
Reports& reports() {
  static Reports reports;
  return reports;
}

/// One launch, seen by all workers.
struct Job {
  const Launch* launch = nullptr;
  Memory memory;
  std::vector<uint32_t> order;  // of the blocks
  unsigned workers = 1;
  std::atomic<std::size_t> next{0};   // in `order`
  std::atomic<uint64_t> progress{0};  // grows whenever some block moved
  std::atomic<unsigned> finished{0};  // workers that have nothing left
  std::atomic<bool> failed{false};
  std::mutex mutex;
  uint64_t idle_since = 0;  // a count of progress
  unsigned idle = 0;        // workers whose blocks have all spun since then
  std::string sentence;     // of the failing block that comes first in the grid
  uint32_t failing = 0;
  Report counted;
};

struct Active {
  std::unique_ptr<Block> block;
  uint32_t number = 0;
};

void add(Report& to, const Report& from) {
  to.bytes_read += from.bytes_read;
  to.bytes_written += from.bytes_written;
  to.mma += from.mma;
  to.ldmatrix.taken += from.ldmatrix.taken;
  to.ldmatrix.ideal += from.ldmatrix.ideal;
  to.shared16.taken += from.shared16.taken;
  to.shared16.ideal += from.shared16.ideal;
}

void fail(Job& job, uint32_t number, const std::string& sentence) {
  const std::lock_guard lock(job.mutex);
  if (!job.failed || number < job.failing) {
    job.sentence = sentence;
    job.failing = number;
  }
  job.failed = true;
}

/// One worker's part of a launch. Blocks whose threads all spin are kept and asked again, since what
/// they wait for may be another block's doing.
class Work {
 public:
  explicit Work(Job& job) : job_(job) {}

  void run() {
    while (!job_.failed) {
      if (begin_one()) continue;
      if (spinning_.empty()) break;
      const uint64_t seen = job_.progress;
      if (!ask_all() && !job_.failed) wait_for_others(seen);
    }
    ++job_.finished;
    const std::lock_guard lock(job_.mutex);
    add(job_.counted, counted_);
  }

 private:
  bool begin_one() {
    const std::size_t at = job_.next++;
    if (at >= job_.order.size()) return false;
    const uint32_t number = job_.order[at];
    const device::Grid& grid = job_.launch->grid;
    Active active{spare().empty() ? std::make_unique<Block>() : std::move(spare().back()), number};
    if (!spare().empty()) spare().pop_back();
    active.block->start(*job_.launch, job_.memory,
                        {number % grid.x, number / grid.x % grid.y, number / grid.x / grid.y},
                        settings().seed + number);
    go_on(std::move(active));
    ask_all();
    return true;
  }

  /// True if the block moved.
  bool go_on(Active active) {
    Block& block = *active.block;
    const Block::Status status = block.run();
    if (status == Block::Status::failed) {
      fail(job_, active.number, block.sentence());
      return true;
    }
    const bool moved = block.moved();
    if (moved) ++job_.progress;
    if (status == Block::Status::finished) {
      add(counted_, block.counted);
      spare().push_back(std::move(active.block));
    } else if (!block.spins()) {
      fail(job_, active.number, block.named(block.waiting()));
      return true;
    } else {
      spinning_.push_back(std::move(active));
    }
    return moved;
  }

  bool ask_all() {
    bool moved = false;
    for (std::size_t n = spinning_.size(); n > 0 && !job_.failed; --n) {
      Active active = std::move(spinning_.front());
      spinning_.pop_front();
      moved = go_on(std::move(active)) || moved;
    }
    return moved;
  }

  /// Nothing moved here since progress was `seen`. When that holds for every worker, nothing will.
  void wait_for_others(uint64_t seen) {
    {
      const std::lock_guard lock(job_.mutex);
      if (seen < job_.idle_since) return;  // something has moved since: look again
      if (job_.idle_since != seen) job_.idle = 0;
      job_.idle_since = seen;
      ++job_.idle;
    }
    while (!job_.failed && job_.progress == seen) {
      if (everyone_idle(seen)) {
        const Active& first = spinning_.front();
        fail(job_, first.number, first.block->named(first.block->waiting()));
      }
      std::this_thread::yield();
    }
  }

  bool everyone_idle(uint64_t seen) {
    const std::lock_guard lock(job_.mutex);
    return job_.idle_since == seen && job_.idle + job_.finished == job_.workers &&
           job_.progress == seen;
  }

  /// Blocks of this worker that are free: their stacks and arenas are kept for the next launch.
  static std::vector<std::unique_ptr<Block>>& spare() {
    static thread_local std::vector<std::unique_ptr<Block>> blocks;
    return blocks;
  }

  Job& job_;
  std::deque<Active> spinning_;
  Report counted_;
};

/// Threads of the operating system that wait for launches, as long as the program runs.
class Pool {
 public:
  static Pool& instance() {
    static Pool pool;
    return pool;
  }

  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run(Job& job) {
    const std::lock_guard one_at_a_time(launch_);
    std::unique_lock lock(mutex_);
    while (threads_.size() < job.workers) {
      threads_.emplace_back([this, i = threads_.size()] { serve(static_cast<unsigned>(i)); });
    }
    job_ = &job;
    running_ = job.workers;
    ++generation_;
    wake_.notify_all();
    done_.wait(lock, [&] { return running_ == 0; });
    job_ = nullptr;
  }

 private:
  void serve(unsigned index) {
    uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stop_ || (job_ != nullptr && generation_ != seen); });
      if (stop_) return;
      seen = generation_;
      if (index >= job_->workers) continue;
      Job& job = *job_;
      lock.unlock();
      Work(job).run();
      lock.lock();
      if (--running_ == 0) done_.notify_all();
    }
  }

  std::mutex launch_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::vector<std::thread> threads_;
  Job* job_ = nullptr;
  unsigned running_ = 0;
  uint64_t generation_ = 0;
  bool stop_ = false;
};

std::vector<uint32_t> order_of(uint64_t count) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  if (settings().order == Order::reverse) std::reverse(order.begin(), order.end());
  if (settings().order == Order::random) {
    uint64_t state = settings().seed;
    for (std::size_t i = order.size(); i > 1; --i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      std::swap(order[i - 1], order[(state >> 33) % i]);
    }
  }
  return order;
}

}  // namespace

void set(const Settings& settings) { current_settings() = settings; }
const Settings& settings() { return current_settings(); }

bool race_detector() { return race_detector_linked; }
bool switch_race_detector_on() { return race_detector_linked = true; }

std::vector<Report> take_reports() {
  const std::lock_guard lock(reports().mutex);
  return std::exchange(reports().done, {});
}

void check_limits(const Launch& launch) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::unsupported, "kernel " + launch.kernel + " cannot be launched: " + what);
  };
  const device::Grid& grid = launch.grid;
  if (launch.threads == 0 || launch.threads > device::kMaxThreads ||
      launch.threads % device::kWarpSize != 0) {
    refuse("a block has 32 to 1024 threads, whole warps, not " + std::to_string(launch.threads));
  }
  if (launch.shared_bytes > device::kMaxSharedBytes) {
    refuse("a block has 227 KB of shared memory at most, not " +
           std::to_string(launch.shared_bytes) + " bytes");
  }
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 ||
      grid.z > 65535) {
    refuse("a grid of " + std::to_string(grid.x) + " x " + std::to_string(grid.y) + " x " +
           std::to_string(grid.z) + " blocks; each is at least 1, y and z at most 65535");
  }
}

void run(const Launch& launch) {
  Job job;
  job.launch = &launch;
  job.memory = snapshot();
  const device::Grid& grid = launch.grid;
  job.order = order_of(uint64_t{grid.x} * grid.y * grid.z);
  const unsigned wanted = settings().workers > 0
                              ? settings().workers
                              : std::max(1U, std::thread::hardware_concurrency());
  job.workers = static_cast<unsigned>(std::min<std::size_t>(wanted, job.order.size()));
  Pool::instance().run(job);
  if (job.failed) {
    throw Error(ErrorCode::internal, job.sentence,
                "run it under the emulator's other builds and in a debugger: kernels/README.md");
  }
  Report report = job.counted;
  report.kernel = launch.kernel;
  report.grid = grid;
  report.threads = launch.threads;
  report.shared_bytes = launch.shared_bytes;
  const std::lock_guard lock(reports().mutex);
  reports().done.push_back(std::move(report));
}

}  // namespace kintsugi::emulator
