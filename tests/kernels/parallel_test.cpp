// SPDX-License-Identifier: MIT
#include "kernels/simd/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace kintsugi {
namespace {

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const int64_t count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(count));
      pool.parallel_for(count, [&](int64_t i) { ++runs[static_cast<size_t>(i)]; });
      for (const auto& run : runs) EXPECT_EQ(run, 1);
    }
  }
}

TEST(ThreadPool, TakesAsManyThreadsAsTheProcessMayUse) { EXPECT_GE(ThreadPool().threads(), 1); }

TEST(ThreadPool, RethrowsOnTheCallerAndLivesOn) {
  for (const int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    for (const int64_t bad : {0, 57, 99}) {
      std::string caught;
      try {
        pool.parallel_for(100, [&](int64_t i) {
          if (i == bad) throw std::runtime_error("task " + std::to_string(i));
        });
      } catch (const std::runtime_error& error) {
        caught = error.what();
      }
      EXPECT_EQ(caught, "task " + std::to_string(bad));
    }
    std::atomic<int> runs{0};
    pool.parallel_for(50, [&](int64_t) { ++runs; });
    EXPECT_EQ(runs, 50);
  }
}

TEST(ThreadPool, OneOfManyExceptionsArrives) {
  ThreadPool pool(3);
  EXPECT_THROW(pool.parallel_for(100, [](int64_t) { throw std::runtime_error("each"); }),
               std::runtime_error);
}

TEST(ThreadPool, NoTaskRunsAfterTheCallReturned) {
  ThreadPool pool(3);
  for (int round = 0; round < 200; ++round) {
    std::atomic<bool> open{true};
    std::atomic<int> late{0};
    try {
      pool.parallel_for(20, [&](int64_t i) {
        if (!open) ++late;
        if (i == 3) throw std::runtime_error("stop");
      });
    } catch (const std::runtime_error&) {
    }
    open = false;
    EXPECT_EQ(late, 0);
  }
}

TEST(ThreadPool, SerialisesTwoCallers) {
  ThreadPool pool(2);
  std::atomic<int> runs{0};
  const auto call = [&] {
    for (int i = 0; i < 200; ++i) pool.parallel_for(10, [&](int64_t) { ++runs; });
  };
  std::thread other(call);
  call();
  other.join();
  EXPECT_EQ(runs, 2 * 200 * 10);
}

}  // namespace
}  // namespace kintsugi
