// SPDX-License-Identifier: MIT
//
// The pipeline of a folder: order, bounds, errors of one item and of all, and being stopped.
#include "runtime/cli/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {
/// While it is set there is no memory for this thread.
thread_local bool no_memory = false;
}  // namespace

// Inlined, malloc and free would look mismatched to the compiler.
[[gnu::noinline]] void* operator new(size_t size) {
  void* const memory = no_memory ? nullptr : std::malloc(std::max<size_t>(size, 1));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace kintsugi::cli {
namespace {

struct Interrupt : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What became of each item, in the order in which it was said.
struct Log {
  std::vector<size_t> items;
  std::vector<std::string> errors;  // empty where there was none

  void note(size_t item, const std::exception_ptr& error) {
    items.push_back(item);
    errors.emplace_back();
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& caught) {
      errors.back() = caught.what();
    }
  }
};

/// Stages that do nothing, to be replaced one by one.
BatchStages stages_into(Log& log) {
  const auto nothing = [](size_t) {};
  return {.decode = nothing,
          .run = nothing,
          .encode = nothing,
          .done = [&log](size_t item, const std::exception_ptr& error) { log.note(item, error); },
          .check = [] {}};
}

void sleep_ms(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

TEST(Batch, EveryItemGoesThroughEveryStageInOrder) {
  for (const size_t count : {0, 1, 2, 3, 100}) {
    Log log;
    std::vector<std::string> ways(count);
    BatchStages stages = stages_into(log);
    stages.decode = [&](size_t i) { ways[i] += 'd'; };
    stages.run = [&](size_t i) { ways[i] += 'r'; };
    stages.encode = [&](size_t i) { ways[i] += 'e'; };
    run_batch(count, stages);
    ASSERT_EQ(log.items.size(), count);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(log.items[i], i);
      EXPECT_EQ(log.errors[i], "");
      EXPECT_EQ(ways[i], "dre");
    }
  }
}

TEST(Batch, StagesAreOnThreadsOfTheirOwn) {
  Log log;
  std::thread::id decode, run, encode;
  BatchStages stages = stages_into(log);
  stages.decode = [&](size_t) { decode = std::this_thread::get_id(); };
  stages.run = [&](size_t) { run = std::this_thread::get_id(); };
  stages.encode = [&](size_t) { encode = std::this_thread::get_id(); };
  run_batch(1, stages);
  EXPECT_EQ(run, std::this_thread::get_id());
  EXPECT_NE(decode, run);
  EXPECT_NE(encode, run);
  EXPECT_NE(encode, decode);
}

// Two wait, one is read, one is taken: whichever stage is slow, the first is never further ahead.
TEST(Batch, AtMostTwoItemsWaitBetweenStages) {
  for (const bool slow_encode : {false, true}) {
    Log log;
    std::atomic<int64_t> decoded{0}, ran{0}, encoded{0};
    int64_t most_decoded = 0, most_ran = 0;
    BatchStages stages = stages_into(log);
    stages.decode = [&](size_t) { ++decoded; };
    stages.run = [&](size_t) {
      if (!slow_encode) sleep_ms(2);
      most_decoded = std::max(most_decoded, decoded - ran);
      ++ran;
    };
    stages.encode = [&](size_t) {
      if (slow_encode) sleep_ms(2);
      most_ran = std::max(most_ran, ran - encoded);
      ++encoded;
    };
    run_batch(30, stages);
    EXPECT_EQ(encoded, 30);
    EXPECT_LE(most_decoded, 4);
    EXPECT_LE(most_ran, 4);
    EXPECT_GE(slow_encode ? most_ran : most_decoded, 3) << "nothing was done ahead";
  }
}

TEST(Batch, AnErrorIsOfItsItemAlone) {
  Log log;
  std::vector<std::string> ways(7);
  BatchStages stages = stages_into(log);
  const auto failing = [&ways](size_t bad, const std::string& name) {
    return [&ways, bad, name](size_t i) {
      if (i == bad) throw std::runtime_error(name);
      ways[i] += name[0];
    };
  };
  stages.decode = failing(1, "decode");
  stages.run = failing(3, "run");
  stages.encode = failing(6, "encode");
  run_batch(7, stages);
  EXPECT_EQ(log.items, (std::vector<size_t>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(log.errors, (std::vector<std::string>{"", "decode", "", "run", "", "", "encode"}));
  EXPECT_EQ(ways, (std::vector<std::string>{"dre", "", "dre", "d", "dre", "dre", "dr"}));
}

TEST(Batch, WhatIsNoExceptionOfOursIsCaughtToo) {
  Log log;
  int caught = 0;
  BatchStages stages = stages_into(log);
  stages.decode = [](size_t) { throw 3; };
  stages.done = [&](size_t, const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (int value) {
      caught += value;
    }
  };
  run_batch(2, stages);
  EXPECT_EQ(caught, 6);
}

TEST(Batch, AStopInAnyStageEndsTheWhole) {
  for (const int stage : {0, 1, 2}) {
    Log log;
    BatchStages stages = stages_into(log);
    const auto stop = [](size_t i) {
      if (i == 5) throw BatchStop{std::make_exception_ptr(Interrupt("enough"))};
    };
    (stage == 0 ? stages.decode : stage == 1 ? stages.run : stages.encode) = stop;
    EXPECT_THROW(run_batch(1000, stages), Interrupt);
    // In order, without a gap, and not beyond the one that stopped it.
    ASSERT_LE(log.items.size(), 5U);
    for (size_t i = 0; i < log.items.size(); ++i) EXPECT_EQ(log.items[i], i);
    if (stage == 2) {
      EXPECT_EQ(log.items.size(), 5U);
    }
  }
}

TEST(Batch, ACheckThatThrowsEndsTheWhole) {
  Log log;
  std::atomic<bool> enough{false};
  BatchStages stages = stages_into(log);
  stages.run = [&](size_t i) { enough = enough || i == 7; };
  stages.check = [&] {
    if (enough) throw Interrupt("enough");
  };
  EXPECT_THROW(run_batch(1000, stages), Interrupt);
  EXPECT_LE(log.items.size(), 8U);
}

TEST(Batch, DoneThatThrowsEndsTheWhole) {
  Log log;
  BatchStages stages = stages_into(log);
  stages.done = [](size_t, const std::exception_ptr&) { throw Interrupt("no room"); };
  EXPECT_THROW(run_batch(1000, stages), Interrupt);
}

// Both neighbours wait when the one in the middle stops: neither may wait for ever.
TEST(Batch, NobodyIsLeftWaiting) {
  for (int round = 0; round < 200; ++round) {
    Log log;
    BatchStages stages = stages_into(log);
    stages.run = [round](size_t i) {
      if (i == static_cast<size_t>(round % 10)) {
        throw BatchStop{std::make_exception_ptr(Interrupt("enough"))};
      }
    };
    EXPECT_THROW(run_batch(50, stages), Interrupt);
  }
}

// What a thread would have to be given on its way from item to item could not be refused politely.
TEST(Batch, NoMemoryIsAskedForBetweenStages) {
  Log log;
  BatchStages stages = stages_into(log);
  stages.decode = [](size_t) { no_memory = true; };
  stages.encode = [](size_t) { no_memory = true; };
  stages.done = [&log](size_t item, const std::exception_ptr& error) {
    no_memory = false;
    log.note(item, error);
  };
  run_batch(500, stages);
  EXPECT_EQ(log.items.size(), 500U);
}

}  // namespace
}  // namespace kintsugi::cli
