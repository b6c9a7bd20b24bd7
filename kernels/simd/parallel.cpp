// SPDX-License-Identifier: MIT
#include "kernels/simd/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/core/error.h"

namespace kintsugi {

// One job at a time: its task, a counter from which every thread draws, and the helpers still in
// it. A job is published under the mutex by a new generation number; helpers wait for that.
struct ThreadPool::State {
  // Marks this thread as running tasks of a pool for as long as it lives.
  struct Inside {
    explicit Inside(const State* pool) : outer(std::exchange(running, pool)) {}
    ~Inside() { running = outer; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    const State* outer;
  };
  static thread_local const State* running;

  std::mutex caller;  // one parallel_for at a time, whichever thread calls
  std::mutex mutex;
  std::condition_variable start, done;
  const std::function<void(int64_t)>* task = nullptr;
  int64_t count = 0;
  std::atomic<int64_t> next{0};
  uint64_t generation = 0;
  int busy = 0;
  bool stop = false;
  std::exception_ptr error;
  std::vector<std::thread> helpers;

  ~State() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    start.notify_all();
    for (std::thread& helper : helpers) helper.join();
  }

  void drain() {
    const Inside inside(this);
    try {
      for (int64_t i = next++; i < count; i = next++) (*task)(i);
    } catch (...) {
      next = count;  // nobody starts another task
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
    }
  }

  void help() {
    uint64_t seen = 0;
    std::unique_lock lock(mutex);
    while (true) {
      start.wait(lock, [&] { return stop || generation != seen; });
      if (stop) return;
      seen = generation;
      lock.unlock();
      drain();
      lock.lock();
      if (--busy == 0) done.notify_one();
    }
  }
};

thread_local const ThreadPool::State* ThreadPool::State::running = nullptr;

namespace {
int available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}
}  // namespace

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  const int wanted = count(threads);
  const auto refuse = [&](const char* reason) {  // the helpers already started end with state_
    throw Error(ErrorCode::out_of_memory,
                "the system refused a thread after " + std::to_string(state_->helpers.size() + 1) +
                    " of " + std::to_string(wanted) + ": " + reason,
                "ask for fewer threads");
  };
  try {
    for (int i = 1; i < wanted; ++i) {
      state_->helpers.emplace_back([state = state_.get()] { state->help(); });
    }
  } catch (const std::system_error& error) {
    refuse(error.what());
  } catch (const std::bad_alloc&) {
    refuse("out of memory");
  }
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::count(int threads) {
  if (threads < 0) {
    throw Error(ErrorCode::usage, std::to_string(threads) + " threads cannot be meant",
                "0 takes one for each processor");
  }
  return threads > 0 ? threads : available_processors();
}

int ThreadPool::threads() const { return static_cast<int>(state_->helpers.size()) + 1; }

void ThreadPool::parallel_for(int64_t count, const std::function<void(int64_t)>& task) {
  State& s = *state_;
  if (State::running == &s) {  // it would wait for itself
    throw Error(ErrorCode::internal, "a task called parallel_for of the pool that runs it");
  }
  if (count <= 0) return;
  if (s.helpers.empty() || count == 1) {
    const State::Inside inside(&s);
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  const std::lock_guard only(s.caller);
  {
    const std::lock_guard lock(s.mutex);
    s.task = &task;
    s.count = count;
    s.next = 0;
    s.error = nullptr;
    s.busy = static_cast<int>(s.helpers.size());
    ++s.generation;
  }
  s.start.notify_all();
  s.drain();
  std::unique_lock lock(s.mutex);
  s.done.wait(lock, [&] { return s.busy == 0; });
  if (s.error) std::rethrow_exception(s.error);
}

void parallel_parts(Parallel& parallel, int64_t all, int64_t part,
                    const std::function<void(int64_t first, int64_t count)>& task) {
  const int64_t parts = all / part + (all % part > 0 ? 1 : 0);
  std::vector<std::exception_ptr> thrown(static_cast<size_t>(parts));
  parallel.parallel_for(parts, [&](int64_t i) {
    try {
      task(i * part, std::min(part, all - i * part));
    } catch (...) {
      thrown[static_cast<size_t>(i)] = std::current_exception();
    }
  });
  for (const std::exception_ptr& error : thrown) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace kintsugi
