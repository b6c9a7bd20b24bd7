// SPDX-License-Identifier: MIT
//
// probe: what this machine can do, measured rather than looked up, so that a kernel's share of it
// means something on a shared or throttled processor. Measure it beside the kernel, in one run.
#pragma once

#include <cstdint>

#include "kernels/simd/isa.h"
#include "kernels/simd/parallel.h"

namespace kintsugi::simd {

/// GFLOP/s of independent multiply-add chains on all threads, for about `seconds`.
[[nodiscard]] double fma_peak(Parallel& parallel, Isa isa = chosen(), double seconds = 0.05);

/// GB/s of copying `size_bytes` from one buffer to another on all threads, for about `seconds`,
/// bytes read and bytes written both counted. The default is beyond most caches; allocates it
/// twice.
[[nodiscard]] double copy_bandwidth(Parallel& parallel, int64_t size_bytes = int64_t{256} << 20,
                                    double seconds = 0.2);

}  // namespace kintsugi::simd
