// SPDX-License-Identifier: MIT
#include "runtime/execute/executor.h"

#include <utility>

#include "runtime/execute/rows.h"

namespace kintsugi::execute {

void synchronize(Queue& queue, int gpu) {
  device::select(gpu);
  device::synchronize(*queue.stream);
  queue.in_flight = false;
}

void Executor::write_input(const plan::Placed& input, const WriteRow& write) {
  write_rows(writable(input), write, *to_.parallel);
}

void Executor::read(const plan::Placed& value, const ReadRow& read) const {
  read_rows(readable(value), read);
}

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
