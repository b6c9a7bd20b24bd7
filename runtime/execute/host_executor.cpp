// SPDX-License-Identifier: MIT
//
// The executor of the CPU: its kernels, and the reference in f32 and f64.
#include <chrono>
#include <cstring>
#include <utility>

#include "runtime/execute/call_views.h"
#include "runtime/execute/executor.h"
#include "runtime/execute/rows.h"

namespace kintsugi::execute {
namespace {

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class HostExecutor final : public Executor {
 public:
  HostExecutor(plan::Plan plan, PackedWeights weights)
      : Executor(std::move(plan), std::move(weights)) {}

  void bind(const Binding& binding) override {
    to_ = binding;
    bases_ = {binding.arena, binding.states};
    // All ones is a NaN in f32 and in f64; samples become white.
    if (to_.poison) std::memset(to_.arena, 0xff, static_cast<size_t>(plan_.arena_bytes));
  }
  AnyView writable(const plan::Placed& input) override { return bases_.view(plan_, input); }
  AnyView readable(const plan::Placed& value) const override { return bases_.view(plan_, value); }
  void fill(const plan::StateEntry& entry, const WriteRow& write) override {
    write_rows(writable(entry.value), write, *to_.parallel);
  }
  void run(const Hooks& hooks) override;
  void wait() override {}

 private:
  void run_step(const plan::PlanStep& step);
  void poison_dead(int step);

  Bases bases_;
};

void HostExecutor::run(const Hooks& hooks) {
  const int64_t start = now_ns();
  std::vector<StepTime> times(plan_.steps.size());
  for (int i = 0; i < static_cast<int>(plan_.steps.size()); ++i) {
    check_cancelled(hooks, i);
    StepTime& time = times[static_cast<size_t>(i)];
    time.begin_ns = now_ns() - start;
    run_step(plan_.steps[static_cast<size_t>(i)]);
    time.end_ns = now_ns() - start;
    if (hooks.after) hooks.after(i);
    if (to_.poison) poison_dead(i);
  }
  times_ = std::move(times);
  run_ns_ = now_ns() - start;
}

void HostExecutor::run_step(const plan::PlanStep& step) {
  const CallViews views(plan_, step, bases_, weights_);
  if (plan_.backend == plan::Backend::cpu) return step.work.cpu(views.call(), *to_.parallel);
  step.work.reference(views.call(), *to_.parallel);
}

void HostExecutor::poison_dead(int step) {
  for (const plan::Slot& dead : plan_.slots) {
    if (dead.last != step || dead.state) continue;
    std::memset(to_.arena + dead.offset, 0xff, static_cast<size_t>(dead.bytes));
  }
}

}  // namespace

std::unique_ptr<Executor> make_host_executor(plan::Plan plan, PackedWeights weights) {
  return std::make_unique<HostExecutor>(std::move(plan), std::move(weights));
}

}  // namespace kintsugi::execute
