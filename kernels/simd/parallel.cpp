// SPDX-License-Identifier: MIT
#include "kernels/simd/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace kintsugi {

// One job at a time: its task, a counter from which every thread draws, and the helpers still in
// it. A job is published under the mutex by a new generation number; helpers wait for that.
struct ThreadPool::State {
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

  void drain() {
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

namespace {
int available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}
}  // namespace

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  for (int i = 1; i < count(threads); ++i) {
    state_->helpers.emplace_back([state = state_.get()] { state->help(); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->start.notify_all();
  for (std::thread& helper : state_->helpers) helper.join();
}

int ThreadPool::count(int threads) { return threads > 0 ? threads : available_processors(); }

int ThreadPool::threads() const { return static_cast<int>(state_->helpers.size()) + 1; }

void ThreadPool::parallel_for(int64_t count, const std::function<void(int64_t)>& task) {
  State& s = *state_;
  if (count <= 0) return;
  if (s.helpers.empty() || count == 1) {
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

}  // namespace kintsugi
