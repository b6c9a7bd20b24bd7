// SPDX-License-Identifier: MIT
//
// What the launches since the last call moved, where the device counts it: the emulator does, to the
// byte (counted_emulated.cpp), a GPU does not (counted_cuda.cpp). The build links one of the two.
#pragma once

#include <vector>

#include "benchmarks/gpu/problem.h"

namespace kintsugi::gpu_bench {

/// One for each launch, in order; empty where nothing is counted.
[[nodiscard]] std::vector<Traffic> take_counted();

}  // namespace kintsugi::gpu_bench
