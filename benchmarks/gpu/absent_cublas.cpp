// SPDX-License-Identifier: MIT
#include "benchmarks/gpu/baseline.h"

namespace kintsugi::gpu_bench {

Library cublas() { return {.version = "", .refused = "this build was made without cuBLAS"}; }

Runnable cublas_product(Type, int64_t) { return {}; }

}  // namespace kintsugi::gpu_bench
