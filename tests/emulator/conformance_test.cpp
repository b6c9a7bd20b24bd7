// SPDX-License-Identifier: MIT
//
// The emulator against what a GPU recorded. Every case also runs under all schedules, recorded or not.
#include "tests/emulator/conformance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <ostream>

#include "kernels/emulator/emulator.h"
#include "tests/emulator/support.h"

namespace kintsugi::conformance {

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

namespace {

std::string file_of(const Case& c) {
  return std::string(KINTSUGI_TEST_DATA) + "/conformance/" + c.name + ".bin";
}

class Conformance : public testing::TestWithParam<Case> {
 protected:
  void TearDown() override { emulator::set({}); }
};

TEST_P(Conformance, GivesTheSameBitsUnderEverySchedule) {
  std::vector<uint32_t> first;
  for (const emulator::Settings& settings : specimen::schedules()) {
    emulator::set(settings);
    const std::vector<uint32_t> got = output(GetParam());
    if (first.empty()) first = got;
    EXPECT_EQ(first, got);
  }
}

TEST_P(Conformance, GivesWhatAGpuGave) {
  std::ifstream file(file_of(GetParam()), std::ios::binary);
  if (!file) GTEST_SKIP() << "no GPU has recorded " << file_of(GetParam());
  std::vector<uint32_t> recorded(kWords);
  file.read(reinterpret_cast<char*>(recorded.data()), kWords * sizeof(uint32_t));
  ASSERT_EQ(file.gcount(), static_cast<std::streamsize>(kWords * sizeof(uint32_t)));
  const std::vector<uint32_t> got = output(GetParam());
  if (GetParam().tolerance == 0) {
    EXPECT_EQ(got, recorded);
    return;
  }
  float largest = 0;
  for (const uint32_t word : recorded) {
    largest = std::max(largest, std::abs(std::bit_cast<float>(word)));
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(std::bit_cast<float>(got[i]), std::bit_cast<float>(recorded[i]),
                GetParam().tolerance * largest);
  }
}

std::vector<Case> all() {
  std::vector<Case> all(cases().begin(), cases().end());
  all.insert(all.end(), hopper_cases().begin(), hopper_cases().end());
  return all;
}
INSTANTIATE_TEST_SUITE_P(Vocabulary, Conformance, testing::ValuesIn(all()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace kintsugi::conformance
