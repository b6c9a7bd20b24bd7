// SPDX-License-Identifier: MIT
//
// Which instruction sets a *-per-ISA* file is compiled for, and how its functions are selected.
// Such a file defines HWY_TARGET_INCLUDE, includes this, then hwy/foreach_target.h and
// hwy/highway.h, and puts its code into HWY_NAMESPACE; tile.cpp is the example.
//
// Two rules for code in HWY_NAMESPACE:
//  - Plain structs and pointers only. A template or inline function of the standard library that is
//    instantiated there may be emitted with AVX-512 instructions, and the linker may keep that copy
//    for the whole program.
//  - Nothing of Highway's own library is called: its headers are enough, and the selection is ours
//    (simd::Isa), so that the release library needs no shared object of it.
#pragma once

// Every instruction set we name, whatever the compiler's baseline; none that we do not.
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
// Highway turns EMU128 off for g++ < 12.3 because of a miscompiled 16-bit multiplication (GCC bug
// 106322). We compute in f32 and i32 only, where it is right.
#define HWY_BROKEN_EMU128 0

#include "hwy/base.h"
// Highway checks itself under the sanitizers by a function of its library, which we do not link.
#undef HWY_DASSERT
#define HWY_DASSERT(condition) \
  do {                         \
  } while (0)

#include "hwy/detect_targets.h"
#include "kernels/core/error.h"
#include "kernels/simd/isa.h"

#if HWY_TARGETS & HWY_EMU128
#define KINTSUGI_CASE_EMU128(function) \
  case ::kintsugi::simd::Isa::emu128:  \
    return &N_EMU128::function;
#else
#define KINTSUGI_CASE_EMU128(function)
#endif
#if HWY_TARGETS & HWY_SSE4
#define KINTSUGI_CASE_SSE4(function) \
  case ::kintsugi::simd::Isa::sse4:  \
    return &N_SSE4::function;
#else
#define KINTSUGI_CASE_SSE4(function)
#endif
#if HWY_TARGETS & HWY_AVX2
#define KINTSUGI_CASE_AVX2(function) \
  case ::kintsugi::simd::Isa::avx2:  \
    return &N_AVX2::function;
#else
#define KINTSUGI_CASE_AVX2(function)
#endif
#if HWY_TARGETS & HWY_AVX3
#define KINTSUGI_CASE_AVX512(function) \
  case ::kintsugi::simd::Isa::avx512:  \
    return &N_AVX3::function;
#else
#define KINTSUGI_CASE_AVX512(function)
#endif
#if HWY_TARGETS & HWY_NEON
#define KINTSUGI_CASE_NEON(function) \
  case ::kintsugi::simd::Isa::neon:  \
    return &N_NEON::function;
#else
#define KINTSUGI_CASE_NEON(function)
#endif

/// Body of a selector: `auto select(Isa isa) -> Function* { KINTSUGI_SELECT(isa, function); }`
#define KINTSUGI_SELECT(isa, function)                                                       \
  switch (isa) {                                                                             \
    KINTSUGI_CASE_EMU128(function)                                                           \
    KINTSUGI_CASE_SSE4(function)                                                             \
    KINTSUGI_CASE_AVX2(function)                                                             \
    KINTSUGI_CASE_AVX512(function)                                                           \
    KINTSUGI_CASE_NEON(function)                                                             \
    default:                                                                                 \
      throw ::kintsugi::Error(                                                               \
          ::kintsugi::ErrorCode::device_unavailable,                                         \
          std::string("this build has no kernels for ") + ::kintsugi::simd::to_string(isa)); \
  }
