// SPDX-License-Identifier: MIT
//
// The chain that cuDNN computes as one graph: a convolution, a bias and at most one function.
#pragma once

#include "benchmarks/chain.h"
#include "benchmarks/gpu/problem.h"

namespace kintsugi::gpu_bench {

/// Null where the chain is something else.
[[nodiscard]] std::shared_ptr<const Convolution> convolution_of(const bench::Chain& chain,
                                                                Type type);

}  // namespace kintsugi::gpu_bench
