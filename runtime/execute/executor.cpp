// SPDX-License-Identifier: MIT
#include "runtime/execute/executor.h"

#include <utility>

namespace kintsugi::execute {

void Executor::check_cancelled(const Hooks& hooks, int step) const {
  if (!hooks.before || hooks.before(step)) return;
  throw Error(ErrorCode::cancelled,
              "stopped before the step " + plan_.steps[static_cast<size_t>(step)].names.back());
}

std::unique_ptr<Executor> make_executor(plan::Plan plan, PackedWeights weights) {
  return plan.backend == plan::Backend::gpu
             ? make_gpu_executor(std::move(plan), std::move(weights))
             : make_host_executor(std::move(plan), std::move(weights));
}

}  // namespace kintsugi::execute
