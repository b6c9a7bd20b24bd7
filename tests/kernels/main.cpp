// SPDX-License-Identifier: MIT
//
// The kernel tests run once for each instruction set (KINTSUGI_CPU_ISA); where the machine lacks
// one, they are skipped, which ctest reports.
#include <gtest/gtest.h>

#include "kernels/core/error.h"
#include "kernels/simd/isa.h"

namespace {

class IsaEnvironment : public testing::Environment {
 public:
  void SetUp() override {
    try {
      testing::Test::RecordProperty("isa", kintsugi::simd::to_string(kintsugi::simd::chosen()));
    } catch (const kintsugi::Error& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new IsaEnvironment);  // owned by the framework
  return RUN_ALL_TESTS();
}
