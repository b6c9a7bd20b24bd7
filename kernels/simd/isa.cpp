// SPDX-License-Identifier: MIT
#include "kernels/simd/isa.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "kernels/core/error.h"

namespace kintsugi::simd {
namespace {

std::vector<Isa> detect() {
#if defined(__x86_64__)
  std::vector<Isa> found{Isa::emu128};
  __builtin_cpu_init();
  const auto has_sse4 = __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("sse4.2") &&
                        __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
  const auto has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                        __builtin_cpu_supports("f16c");
  // What Highway's AVX3 code is compiled for; the first AVX-512 machines lack most of it.
  const auto has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
  if (has_sse4) found.push_back(Isa::sse4);
  if (has_sse4 && has_avx2) found.push_back(Isa::avx2);
  if (has_sse4 && has_avx2 && has_avx512) found.push_back(Isa::avx512);
  return found;
#elif defined(__aarch64__)
  return {Isa::neon};  // part of the architecture
#else
  return {Isa::emu128};
#endif
}

Isa choose() {
  const std::vector<Isa> isas = available();
  const char* wanted = std::getenv("KINTSUGI_CPU_ISA");
  if (wanted == nullptr || *wanted == '\0') return isas.back();
  std::string names;
  for (const Isa isa : isas) {
    if (std::string_view(to_string(isa)) == wanted) return isa;
    names += (names.empty() ? "" : ", ") + std::string(to_string(isa));
  }
  throw Error(ErrorCode::device_unavailable, "KINTSUGI_CPU_ISA asks for \"" + std::string(wanted) +
                                                 "\"; this machine has " + names);
}

}  // namespace

const char* to_string(Isa isa) {
  switch (isa) {
    case Isa::emu128: return "emu128";
    case Isa::sse4: return "sse4";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::neon: return "neon";
  }
  return "?";
}

std::vector<Isa> available() {
  static const std::vector<Isa> isas = detect();
  return isas;
}

Isa chosen() {
  static const Isa isa = choose();
  return isa;
}

}  // namespace kintsugi::simd
