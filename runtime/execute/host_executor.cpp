// SPDX-License-Identifier: MIT
//
// The executor of the CPU: its kernels, and the reference in f32 and f64.
#include <chrono>
#include <cstring>
#include <utility>

#include "runtime/execute/call_views.h"
#include "runtime/execute/executor.h"
#include "runtime/execute/rows.h"
#include "runtime/execute/staged_picture.h"

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
    // All ones is a NaN in f32 and in f64.
    if (to_.poison) std::memset(to_.arena, 0xff, static_cast<size_t>(plan_.arena_bytes));
  }
  void write_input(const plan::Placed& input, const WriteRow& write) override {
    write_rows(view(input), write, *to_.parallel);
  }
  void write_input(const plan::Placed& input, const image::PictureIn& from) override;
  void fill(const plan::StateEntry& entry, const WriteRow& write) override {
    write_rows(view(entry.value), write, *to_.parallel);
  }
  void read(const plan::Placed& value, const ReadRow& read) const override {
    read_rows(view(value), read);
  }
  void read(const plan::Placed& output, const image::PictureOut& to) override;
  ValueCheck check(const plan::Placed& value) const override {
    return check_rows(view(value), *to_.parallel);
  }
  void run(const Hooks& hooks) override;

 private:
  [[nodiscard]] AnyView view(const plan::Placed& value) const { return bases_.view(plan_, value); }
  /// Converts by the plan's backend; `args` of a view in T.
  template <class T, class Desc, class Args>
  void convert(const Desc& desc, const Args& args) {
    if constexpr (std::is_same_v<T, float>) {
      if (plan_.backend == plan::Backend::cpu) return cpu(desc, args, *to_.parallel);
    }
    reference(desc, args, *to_.parallel);
  }
  void run_step(const plan::PlanStep& step);
  void poison_dead(int step);

  Binding to_;
  Bases bases_;
};

void HostExecutor::write_input(const plan::Placed& input, const image::PictureIn& from) {
  std::visit(
      [&]<class S>(const image::PictureView<const S>& picture) {
        with_reference_type(view(input).dtype, [&]<class T>(T) {
          convert<T>(from.desc, image::ToTensorArgs<S, T>{picture, from.mask, view(input).as<T>()});
        });
      },
      from.picture);
}

void HostExecutor::read(const plan::Placed& output, const image::PictureOut& to) {
  std::visit(
      [&]<class S>(const image::PictureView<S>& picture) {
        with_reference_type(view(output).dtype, [&]<class T>(T) {
          int64_t first_bad = image::kNoPixel;
          convert<T>(to.desc, image::ToPictureArgs<S, T>{view(output).as<T>(), to.mask, picture,
                                                         &first_bad});
          require_samples(first_bad, picture.shape);
        });
      },
      to.picture);
}

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
