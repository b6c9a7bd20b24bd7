// SPDX-License-Identifier: MIT
//
// Fibers by themselves: that a switch keeps what a function may keep, and that stacks are reused.
#include "kernels/emulator/fiber.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace kintsugi::emulator {
namespace {

struct Ring {
  Fiber home;
  std::array<Fiber, 5> fibers;
  std::size_t running = 0;
  std::array<double, 5> sums{};
  std::array<uintptr_t, 5> tops{};
};
Ring* ring = nullptr;

/// Adds in local variables, leaving after every step for the next fiber.
void add_up() {
  Ring& r = *ring;
  const std::size_t self = r.running;
  arrived(r.fibers[self], r.home);
  double sum = 0;
  r.tops[self] = reinterpret_cast<uintptr_t>(&sum);
  for (int i = 1; i <= 100; ++i) {
    sum += i * static_cast<double>(self + 1);
    r.running = (self + 1) % r.fibers.size();
    switch_fiber(r.fibers[self], r.fibers[r.running]);
  }
  r.sums[self] = sum;
  if (self + 1 == r.fibers.size()) {
    switch_fiber(r.fibers[self], r.home);
  } else {
    r.running = self + 1;
    switch_fiber(r.fibers[self], r.fibers[r.running]);
  }
}

TEST(Fibers, KeepTheirLocals) {
  Ring r;
  ring = &r;
  Stacks stacks(5);
  for (int round = 0; round < 3; ++round) {
    r.sums = {};
    r.running = 0;
    for (unsigned i = 0; i < r.fibers.size(); ++i) stacks.prepare(r.fibers[i], i, add_up);
    switch_fiber(r.home, r.fibers[0]);
    for (std::size_t i = 0; i < r.sums.size(); ++i) {
      EXPECT_EQ(r.sums[i], 5050.0 * static_cast<double>(i + 1));
    }
  }
}

TEST(Fibers, StacksDoNotBeginAtTheSameLineOfTheCache) {
  Ring r;
  ring = &r;
  Stacks stacks(5);
  for (unsigned i = 0; i < r.fibers.size(); ++i) stacks.prepare(r.fibers[i], i, add_up);
  switch_fiber(r.home, r.fibers[0]);
  EXPECT_NE(r.tops[0] % 4096, r.tops[1] % 4096);
  EXPECT_NE(r.tops[1] % 4096, r.tops[2] % 4096);
}

}  // namespace
}  // namespace kintsugi::emulator
