// SPDX-License-Identifier: MIT
//
// Isa names the vector instruction sets the CPU kernels are compiled for. One is chosen once for
// the process: the best the machine has, or the one KINTSUGI_CPU_ISA asks for.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace kintsugi::simd {

enum class Isa : uint8_t { emu128, sse4, avx2, avx512, neon };

/// f32 values in a vector.
[[nodiscard]] constexpr int64_t lanes(Isa isa) {
  switch (isa) {
    case Isa::avx512: return 16;
    case Isa::avx2: return 8;
    default: return 4;
  }
}

[[nodiscard]] const char* to_string(Isa isa);

/// What this build holds and this machine can run, slowest first.
[[nodiscard]] std::vector<Isa> available();

/// The last of available(), or KINTSUGI_CPU_ISA; throws Error::device_unavailable, naming those
/// that are available, when that variable asks for another.
[[nodiscard]] Isa chosen();

}  // namespace kintsugi::simd
