// SPDX-License-Identifier: MIT
//
// Parallel is how a kernel asks for threads: one call, no nesting. ThreadPool is ours; an embedder
// may hand in its own. Tasks are taken from a common counter, so a slow one holds nobody back; no
// result may depend on which thread ran a task, nor on how many there are. The first exception of
// a task is rethrown on the caller after all tasks have ended.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace kintsugi {

class Parallel {
 public:
  virtual ~Parallel() = default;

  /// Calls `task(i)` once for every i in [0, count), on the caller and its helpers.
  virtual void parallel_for(int64_t count, const std::function<void(int64_t)>& task) = 0;

  /// Threads that may run tasks at once, the caller's included. For scratch sizes, never results.
  [[nodiscard]] virtual int threads() const = 0;
};

class ThreadPool final : public Parallel {
 public:
  /// `threads` counts the caller; 0 means one for each processor this process may use. Throws
  /// Error::usage for a negative count, Error::out_of_memory when the system refuses a thread.
  explicit ThreadPool(int threads = 0);
  /// The threads of a pool made with `threads`, without making it.
  [[nodiscard]] static int count(int threads);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Throws Error::internal when called from inside a task of this pool.
  void parallel_for(int64_t count, const std::function<void(int64_t)>& task) override;
  [[nodiscard]] int threads() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// task(first, count) for parts of [0, all), on all threads. Where several throw, what the first part
/// threw is thrown, whichever came first.
void parallel_parts(Parallel& parallel, int64_t all, int64_t part,
                    const std::function<void(int64_t first, int64_t count)>& task);

}  // namespace kintsugi
