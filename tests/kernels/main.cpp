// SPDX-License-Identifier: MIT
//
// The kernel tests run once for each instruction set (KINTSUGI_CPU_ISA). One that this machine
// lacks is skipped, which ctest hears by the exit code 77; a name that is none fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "kernels/simd/isa.h"

namespace {

using kintsugi::simd::Isa;

constexpr int kSkipped = 77;

/// What KINTSUGI_CPU_ISA asks for, nothing where it is not set; exits where it names none.
std::optional<Isa> wanted() {
  const char* name = std::getenv("KINTSUGI_CPU_ISA");
  if (name == nullptr || *name == '\0') return {};
  for (const Isa isa : {Isa::emu128, Isa::sse4, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (std::string_view(kintsugi::simd::to_string(isa)) == name) return isa;
  }
  std::fprintf(stderr, "KINTSUGI_CPU_ISA=%s names no instruction set\n", name);
  std::exit(2);
}

bool has(Isa isa) {
  const auto isas = kintsugi::simd::available();
  return std::find(isas.begin(), isas.end(), isa) != isas.end();
}

class IsaEnvironment : public testing::Environment {
 public:
  explicit IsaEnvironment(Isa isa) : isa_(isa) {}
  void SetUp() override {
    if (!has(isa_)) GTEST_SKIP() << "this machine lacks " << kintsugi::simd::to_string(isa_);
  }

 private:
  Isa isa_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::optional<Isa> isa = wanted();
  if (isa) testing::AddGlobalTestEnvironment(new IsaEnvironment(*isa));  // the framework owns it
  const int failed = RUN_ALL_TESTS();
  return failed == 0 && isa && !has(*isa) ? kSkipped : failed;
}
