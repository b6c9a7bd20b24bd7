// SPDX-License-Identifier: MIT
#include "benchmarks/gpu/baseline.h"

namespace kintsugi::gpu_bench {

Library cudnn() { return {.version = "", .refused = "this build was made without cuDNN"}; }

std::vector<Baseline> cudnn_baselines(const std::shared_ptr<const Convolution>&, device::Stream&) {
  return {};
}

}  // namespace kintsugi::gpu_bench
