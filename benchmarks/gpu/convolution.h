// SPDX-License-Identifier: MIT
//
// A chain as cuDNN would compute it: a convolution with a bias and at most a function behind it.
#pragma once

#include "benchmarks/chain.h"
#include "benchmarks/gpu/problem.h"

namespace kintsugi::gpu_bench {

/// Null where the chain is something else.
[[nodiscard]] std::shared_ptr<const Convolution> convolution_of(const bench::Chain& chain,
                                                                Type type);

}  // namespace kintsugi::gpu_bench
