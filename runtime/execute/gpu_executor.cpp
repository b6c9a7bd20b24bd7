// SPDX-License-Identifier: MIT
//
// The executor of a GPU. Inputs and outputs are written and read in page-locked memory of the host;
// a run copies the inputs over, replays every kernel as one graph, which was captured in the first
// run, and copies the outputs back. To watch or time single steps they are launched one by one:
// the same kernels on the same memory, so the same bits. A run that failed leaves nothing that
// the next one reads but states: it brings its inputs anew, and tickets are zeroed first.
#include <map>
#include <utility>
#include <vector>

#include "kernels/contract/launch.h"
#include "runtime/execute/call_views.h"
#include "runtime/execute/executor.h"
#include "runtime/execute/rows.h"

namespace kintsugi::execute {
namespace {

class GpuExecutor final : public Executor {
 public:
  GpuExecutor(plan::Plan plan, PackedWeights weights)
      : Executor(std::move(plan), std::move(weights)) {}

  void bind(const Binding& binding) override;
  AnyView writable(const plan::Placed& input) override {
    return view_at(input, staged_.at(input.region.slot));
  }
  /// What is staged, or a copy.
  AnyView readable(const plan::Placed& value) const override;
  void fill(const plan::StateEntry& entry, const WriteRow& write) override;
  void run(const Hooks& hooks) override;

 private:
  [[nodiscard]] const plan::Slot& slot(int index) const {
    return plan_.slots[static_cast<size_t>(index)];
  }
  std::byte* on_gpu(int index) const { return bases_.begin(slot(index)); }
  /// The value where a copy of its slot begins at `slot`.
  [[nodiscard]] AnyView view_at(const plan::Placed& value, std::byte* slot) const {
    AnyView copy = bases_.view(plan_, value);
    copy.data += slot - on_gpu(value.region.slot);
    return copy;
  }
  void launch(const plan::PlanStep& step);
  /// Enqueues a whole run, and waits for it.
  void enqueue(const Hooks& hooks, bool by_step);
  void launch_each(const Hooks& hooks);
  void capture();
  /// Events: 0 and 1 around all kernels, 2 on between the steps. They outlive what the stream does.
  void mark(size_t number);
  [[nodiscard]] int64_t ns_between(size_t from, size_t to) const;
  void poison(int64_t offset, int64_t bytes);

  Bases bases_;
  std::map<int, std::byte*> staged_;  // slots of inputs and outputs
  bool running_ = false;              // what is staged is not what the GPU has
  mutable std::vector<std::byte> seen_;
  std::vector<device::Handle<device::Event>> marks_;
  device::Handle<device::Executable> graph_;  // of the arena and the stream that are bound
};

void GpuExecutor::bind(const Binding& binding) {
  if (to_.arena != binding.arena || to_.states != binding.states || to_.stream != binding.stream) {
    graph_.reset();
  }
  to_ = binding;
  bases_ = {binding.arena, binding.states};
  std::byte* at = to_.staging;
  for (const auto* ports : {&plan_.inputs, &plan_.outputs}) {
    for (const plan::Port& port : *ports) {
      staged_[port.value.region.slot] = at;
      at += plan::staged_bytes(plan_.slot(port.value));
    }
  }
  device::select(to_.gpu);
  if (to_.poison) poison(0, plan_.arena_bytes);
}

void GpuExecutor::poison(int64_t offset, int64_t bytes) {
  // All ones is a NaN in every type of numbers; samples become white.
  device::fill(*to_.stream, to_.arena + offset, 0xff, static_cast<size_t>(bytes));
}

AnyView GpuExecutor::readable(const plan::Placed& value) const {
  const int index = value.region.slot;
  const auto staged = staged_.find(index);
  const bool is_state = slot(index).state;  // which others write too: another graph, fill()
  if (staged != staged_.end() && !is_state && !running_) return view_at(value, staged->second);
  seen_.resize(static_cast<size_t>(slot(index).bytes));
  device::select(to_.gpu);
  device::download(*to_.stream, seen_.data(), on_gpu(index), seen_.size());
  device::synchronize(*to_.stream);
  return view_at(value, seen_.data());
}

void GpuExecutor::fill(const plan::StateEntry& entry, const WriteRow& write) {
  device::select(to_.gpu);
  const int index = entry.value.region.slot;
  std::vector<std::byte> rows(static_cast<size_t>(slot(index).bytes));
  write_rows(view_at(entry.value, rows.data()), write, *to_.parallel);
  device::upload(*to_.stream, on_gpu(index), rows.data(), rows.size());
  device::synchronize(*to_.stream);
}

void GpuExecutor::run(const Hooks& hooks) {
  device::select(to_.gpu);
  running_ = true;
  try {
    const bool by_step = hooks.after || hooks.time_steps || to_.poison;
    if (!by_step) {
      if (!plan_.steps.empty()) check_cancelled(hooks, 0);
      if (!graph_) capture();
    }
    enqueue(hooks, by_step);
  } catch (...) {
    // What the stream was given may still copy from and to memory that its owner is about to free.
    try {
      device::synchronize(*to_.stream);
    } catch (const Error&) {  // the first sentence is the one that matters
    }
    throw;
  }
  running_ = false;
}

void GpuExecutor::enqueue(const Hooks& hooks, bool by_step) {
  device::Stream& stream = *to_.stream;
  if (plan_.tickets >= 0) {
    device::fill(stream, on_gpu(plan_.tickets), 0, static_cast<size_t>(slot(plan_.tickets).bytes));
  }
  for (const plan::Port& port : plan_.inputs) {
    const int input = port.value.region.slot;
    device::upload(stream, on_gpu(input), staged_.at(input),
                   static_cast<size_t>(slot(input).bytes));
  }
  mark(0);
  if (by_step) {
    launch_each(hooks);
  } else {
    device::replay(stream, *graph_);
  }
  mark(1);
  for (const plan::Port& port : plan_.outputs) {
    const int output = port.value.region.slot;
    device::download(stream, staged_.at(output), on_gpu(output),
                     static_cast<size_t>(slot(output).bytes));
  }
  device::synchronize(stream);
  run_ns_ = ns_between(0, 1);
  for (size_t i = 0; hooks.time_steps && i < times_.size(); ++i) {
    times_[i] = {ns_between(0, i + 2), ns_between(0, i + 3)};
  }
}

void GpuExecutor::mark(size_t number) {
  while (marks_.size() <= number) marks_.push_back(device::make_event());
  device::record(*to_.stream, *marks_[number]);
}

int64_t GpuExecutor::ns_between(size_t from, size_t to) const {
  return static_cast<int64_t>(1e6 *
                              static_cast<double>(device::elapsed_ms(*marks_[from], *marks_[to])));
}

void GpuExecutor::launch_each(const Hooks& hooks) {
  device::Stream& stream = *to_.stream;
  if (hooks.time_steps) mark(2);
  for (int i = 0; i < static_cast<int>(plan_.steps.size()); ++i) {
    check_cancelled(hooks, i);
    launch(plan_.steps[static_cast<size_t>(i)]);
    if (hooks.time_steps) mark(static_cast<size_t>(i) + 3);
    if (hooks.after) {
      device::synchronize(stream);
      hooks.after(i);
    }
    if (!to_.poison) continue;
    for (const plan::Slot& dead : plan_.slots) {
      if (dead.last == i && dead.bytes > 0 && !dead.state) poison(dead.offset, dead.bytes);
    }
  }
}

void GpuExecutor::capture() {
  device::begin_capture(*to_.stream);
  try {
    for (const plan::PlanStep& step : plan_.steps) launch(step);
  } catch (...) {
    try {
      static_cast<void>(device::end_capture(*to_.stream));
    } catch (const Error&) {  // a capture that failed cannot end well either
    }
    throw;
  }
  const auto recorded = device::end_capture(*to_.stream);
  graph_ = device::instantiate(*recorded);
}

void GpuExecutor::launch(const plan::PlanStep& step) {
  const CallViews views(plan_, step, bases_, weights_);
  kintsugi::launch(step.work, views.call(), *to_.stream);
}

}  // namespace

std::unique_ptr<Executor> make_gpu_executor(plan::Plan plan, PackedWeights weights) {
  return std::make_unique<GpuExecutor>(std::move(plan), std::move(weights));
}

}  // namespace kintsugi::execute
