// SPDX-License-Identifier: MIT
//
// Planted faults. Some end the launch in every build, because a rule of the machine is broken. The
// rest are races and missing waits: in a plain build the poison shows in the numbers or one schedule
// differs from another; under the race detector the launch ends, naming both places.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/emulator/sanitizer.h"
#include "tests/emulator/specimens.h"
#include "tests/emulator/support.h"

namespace kintsugi::specimen {
namespace {

struct Small {
  OnDevice<float> in{random_values<float>(128, 7)};
  OnDevice<float> out{std::vector<float>(128, 0.0f)};
  OnDevice<float> in4{random_values<float>(256, 8)};
  OnDevice<float> out4{256};

  std::string run(Fault fault) {
    const bool packs = fault == Fault::misaligned || fault == Fault::never_waited;
    return sentence_of([&](device::Stream& stream) {
      faulty(stream, fault, packs ? in4.data() : in.data(), packs ? out4.data() : out.data());
    });
  }
};

struct FaultTest : testing::Test {
  void TearDown() override { emulator::set({}); }

  /// The sentence names the kernel, the block, each of the words.
  static void expect_said(const std::string& said, const std::vector<std::string>& words) {
    for (const std::string& word : words) {
      EXPECT_NE(said.find(word), std::string::npos) << word << " is not in: " << said;
    }
    EXPECT_NE(said.find("block (0, 0, 0)"), std::string::npos) << said;
  }
};

TEST_F(FaultTest, TheSameKernelsWithoutFaultsPass) {
  for (const emulator::Settings& settings : schedules()) {
    emulator::set(settings);
    Small small;
    for (int i = 0;; ++i) {
      bool more = false;
      const bool packs = i == 4;
      EXPECT_EQ(sentence_of([&](device::Stream& stream) {
                  more = faultless(stream, i, packs ? small.in4.data() : small.in.data(),
                                   packs ? small.out4.data() : small.out.data());
                }),
                "");
      if (!more) break;
    }
  }
}

TEST_F(FaultTest, EndTheLaunchInEveryBuild) {
  struct Case {
    Fault fault;
    std::vector<std::string> words;
  };
  const std::string file = "tests/emulator/faults.cuh:";
  const std::vector<Case> cases = {
      {Fault::divergent_barriers,
       {"Meet", "calls syncthreads", "waits for it in syncthreads", file}},
      {Fault::absent_lane, {"Meet", "shfl_down", file}},
      {Fault::early_exit, {"Meet", "thread 40", "exit", "syncthreads", file}},
      {Fault::half_a_barrier, {"Meet", "no thread can go on", "barrier_sync", file}},
      {Fault::global_out_of_bounds,
       {"CopyThrough", "thread 63 load", "past the end of a device buffer of 512 bytes", file}},
      {Fault::misaligned, {"CopyAsync", "thread 5 cp_async", "not a multiple of 16", file}},
      {Fault::never_waited, {"CopyAsync", "exits without having waited for its cp_async at", file}},
  };
  for (const Case& c : cases) {
    for (const emulator::Settings& settings : schedules()) {
      emulator::set(settings);
      const std::string said = Small().run(c.fault);
      expect_said(said, c.words);
    }
  }
}

// What one thread does in another's shared memory, where only a barrier makes it right.
TEST_F(FaultTest, RacesAreSeenByTheDetector) {
  if (!emulator::race_detector()) GTEST_SKIP() << "this build has no race detector";
  struct Case {
    Fault fault;
    std::vector<std::string> words;
  };
  const std::string file = "tests/emulator/faults.cuh:";
  const std::vector<Case> cases = {
      // Which is met first depends on the schedule: a byte nobody has written yet, or a race.
      {Fault::no_barrier_after_store, {"PassOn", "shared memory", file}},
      {Fault::no_barrier_before_refill, {"race", "PassOn", "no barrier stands between", file}},
      {Fault::no_syncwarp_after_store, {"PassInWarp", "shared memory", file}},
      {Fault::no_syncwarp_before_overwrite, {"race", "PassInWarp", file}},
      {Fault::never_written, {"CopyThrough", "which was never written", file}},
      {Fault::around_the_vocabulary,
       {"CopyThrough", "reads 4 bytes at byte ", "without load", file}},
      {Fault::shared_out_of_bounds,
       {"CopyThrough", "outside the block's 512 bytes of shared memory", file}},
  };
  for (const Case& c : cases) {
    for (const emulator::Settings& settings : schedules()) {
      emulator::set(settings);
      std::string said = Small().run(c.fault);
      // Which of two bad writes is met first depends on the schedule.
      if (c.fault == Fault::shared_out_of_bounds && said.find("race") != std::string::npos)
        continue;
      expect_said(said, c.words);
    }
  }
}

// The poison and the schedules alone, as in a build without the detector.
TEST_F(FaultTest, RacesShowInTheNumbers) {
  if (emulator::race_detector()) GTEST_SKIP() << "here they end the launch";
  const auto shows = [](Fault fault) {
    std::vector<float> first;
    for (const emulator::Settings& settings : schedules()) {
      emulator::set(settings);
      Small small;
      if (!small.run(fault).empty()) return true;
      const std::vector<float> got = small.out.values();
      for (const float value : got) {
        if (std::isnan(value)) return true;
      }
      if (first.empty()) first = got;
      if (!same_bits(first, got)) return true;
    }
    return false;
  };
  EXPECT_TRUE(shows(Fault::no_barrier_after_store));
  EXPECT_TRUE(shows(Fault::no_barrier_before_refill));
  EXPECT_TRUE(shows(Fault::no_syncwarp_after_store));
  EXPECT_TRUE(shows(Fault::never_written));
  // Hidden by the shuffles whatever the schedule: only the detector sees it.
  EXPECT_FALSE(shows(Fault::no_syncwarp_before_overwrite));
}

TEST_F(FaultTest, PipelineFaultsAreSeen) {
  const int m = 64;
  const int n = 64;
  const int k = 320;  // ten k tiles for three stages
  OnDevice<f16> a(random_values<f16>(m * k, 1));
  OnDevice<f16> b(random_values<f16>(n * k, 2));
  const auto run = [&](GemmFault fault, std::vector<float>& values) {
    OnDevice<float> c(m * n);
    const std::string said = sentence_of([&](device::Stream& stream) {
      broken_gemm(stream, fault, {a.data(), b.data(), c.data(), m, n, k});
    });
    values = c.values();
    return said;
  };
  std::vector<float> right;
  ASSERT_EQ(run(GemmFault::none, right), "");
  for (const GemmFault fault : {GemmFault::no_wait, GemmFault::wait_off_by_one,
                                GemmFault::no_barrier_after, GemmFault::no_barrier_before}) {
    bool seen = false;
    for (const emulator::Settings& settings : schedules()) {
      emulator::set(settings);
      std::vector<float> got;
      const std::string said = run(fault, got);
      seen = seen || !said.empty() || !same_bits(right, got);
      if (emulator::race_detector()) {
        expect_said(said, {"of shared memory at", "Gemm", "tests/emulator/gemm.cuh:"});
        if (fault == GemmFault::no_wait) expect_said(said, {"has not been waited for"});
      }
    }
    EXPECT_TRUE(seen) << static_cast<int>(fault);
  }
  emulator::set({});
  std::vector<float> values;
  expect_said(run(GemmFault::stray_load, values),
              {"Gemm", "cp_async at tests/emulator/gemm.cuh:", "past the end of a device buffer"});
}

TEST_F(FaultTest, HopperFaultsAreSeen) {
  const int m = 64;
  const int n = 64;
  const int k = 824;  // thirteen k tiles for four stages
  OnDevice<f16> a(random_values<f16>(m * k, 1));
  OnDevice<f16> b(random_values<f16>(n * k, 2));
  const auto run = [&](HopperFault fault, std::vector<float>& values) {
    OnDevice<float> c(m * n);
    const std::string said = sentence_of([&](device::Stream& stream) {
      hopper_gemm(stream, fault, {a.data(), b.data(), c.data(), m, n, k});
    });
    values = c.values();
    return said;
  };
  std::vector<float> right;
  ASSERT_EQ(run(HopperFault::none, right), "");
  struct Case {
    HopperFault fault;
    std::vector<std::string> words;  // under the race detector
  };
  const std::vector<Case> cases = {
      {HopperFault::wrong_phase, {"asynchronous copy", "has not been waited for"}},
      {HopperFault::early_refill, {"once more than the 1 arrivals of its phase"}},
      {HopperFault::early_release, {"shared memory at"}},
      {HopperFault::few_bytes, {"asynchronous copy", "has not been waited for"}},
      {HopperFault::many_bytes,
       {"no thread can go on", "mbarrier_wait at", "lacks 0 arrivals and 16384 bytes"}},
      {HopperFault::no_product_wait, {"touches an accumulator", "has not been waited for"}},
  };
  for (const Case& c : cases) {
    bool seen = false;
    for (const emulator::Settings& settings : schedules()) {
      emulator::set(settings);
      std::vector<float> got;
      const std::string said = run(c.fault, got);
      seen = seen || !said.empty() || !same_bits(right, got);
      if (!emulator::race_detector()) continue;
      expect_said(said, {"GemmHopper", "tests/emulator/hopper.cu:"});
      expect_said(said, c.words);
    }
    EXPECT_TRUE(seen) << static_cast<int>(c.fault);
  }
}

TEST_F(FaultTest, ASpinThatCannotEndIsSeen) {
  for (const unsigned workers : {1U, 2U}) {
    emulator::set({.workers = workers});
    OnDevice<uint32_t> turn(std::vector<uint32_t>{0});
    OnDevice<float> out(std::size_t{32} * 5);
    const std::string said = sentence_of([&](device::Stream& stream) {
      queue(stream, Fault::endless_spin, turn.data(), out.data(), 5);
    });
    EXPECT_NE(said.find("no thread can go on"), std::string::npos) << said;
    EXPECT_NE(said.find("spin_until at tests/emulator/faults.cuh:"), std::string::npos) << said;
  }
}

// A write past the end of the block's shared memory by plain C++: the address sanitizer stops the
// program there, the detector ends the launch (above), a plain build sees the canary at the end.
TEST_F(FaultTest, SharedWritePastTheEnd) {
  if (emulator::race_detector()) GTEST_SKIP() << "seen above";
  if constexpr (emulator::kAddressSanitizer) {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    EXPECT_DEATH(
        static_cast<void>(Small().run(Fault::shared_out_of_bounds)),
        "kernel .*CopyThrough.* thread 63 writes 4 bytes .* at tests/emulator/faults.cuh:");
  } else {
    expect_said(Small().run(Fault::shared_out_of_bounds),
                {"CopyThrough", "wrote past its 512 bytes of shared memory"});
  }
}

// Device memory touched around the vocabulary is still under the address sanitizer.
TEST_F(FaultTest, TheLaunchAfterABrokenOneIsWhole) {
  Small small;
  EXPECT_NE(small.run(Fault::divergent_barriers), "");
  EXPECT_EQ(sentence_of([&](device::Stream& stream) {
              static_cast<void>(faultless(stream, 0, small.in.data(), small.out.data()));
            }),
            "");
}

}  // namespace
}  // namespace kintsugi::specimen
