// SPDX-License-Identifier: MIT
#include "kernels/simd/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "kernels/core/error.h"
#include "kernels/emulator/sanitizer.h"

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

TEST(ThreadPool, RefusesANegativeCount) {
  try {
    const ThreadPool pool(-3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_STREQ(error.what(), "-3 threads cannot be meant");
    EXPECT_NE(error.hint(), "");
  }
}

TEST(ThreadPool, RefusesToNest) {
  for (const int threads : {1, 3}) {
    for (const int64_t count : {1, 20}) {
      ThreadPool pool(threads), other(2);
      try {
        pool.parallel_for(count, [&](int64_t) { pool.parallel_for(2, [](int64_t) {}); });
        ADD_FAILURE() << threads << " threads, " << count << " tasks";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::internal);
      }
      // The pool lives on, and a task may use another pool.
      std::atomic<int> runs{0};
      pool.parallel_for(5, [&](int64_t) { other.parallel_for(4, [&](int64_t) { ++runs; }); });
      EXPECT_EQ(runs, 20);
    }
  }
}

// Run in a process of its own: lets no more than 256 MiB be added to it, asks for more threads than
// have their stacks in that, then for few.
void ask_for_too_many() {
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const auto most = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + (int64_t{256} << 20));
  const rlimit limit{most, most};
  if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(3);
  try {
    const ThreadPool pool(100'000);
    _exit(4);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::out_of_memory || error.hint().empty()) _exit(5);
    std::fprintf(stderr, "%s\n", error.what());
  }
  ThreadPool few(3);  // the stacks of the others are free again
  std::atomic<int> runs{0};
  few.parallel_for(10, [&](int64_t) { ++runs; });
  _exit(runs == 10 ? 0 : 6);
}

TEST(ThreadPoolDeathTest, ARefusedThreadIsASentence) {
  if (emulator::kAddressSanitizer) {
    GTEST_SKIP() << "the address sanitizer needs the address space that this test takes away";
  }
  EXPECT_EXIT(ask_for_too_many(), testing::ExitedWithCode(0),
              "the system refused a thread after [0-9]+ of 100000: ");
}

}  // namespace
}  // namespace kintsugi
