// SPDX-License-Identifier: MIT
//
// What stands for gpu_executor.cpp in a build without a GPU backend.
#include "runtime/execute/executor.h"

namespace kintsugi::execute {

std::unique_ptr<Executor> make_gpu_executor(plan::Plan /*plan*/, PackedWeights /*weights*/) {
  throw Error(ErrorCode::device_unavailable, "this build has no GPU backend",
              "configure it with the preset 'cuda', or use --device cpu");
}

}  // namespace kintsugi::execute
