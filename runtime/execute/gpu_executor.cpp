// SPDX-License-Identifier: MIT
//
// The executor of a GPU. Inputs and outputs are written and read in page-locked memory of the host;
// a run copies over the inputs that were written and replays every kernel as one graph, which was
// captured in the first run. It waits for nothing: outputs are copied back when one is read. So a
// replay that only reads and writes states copies nothing. To watch or time single steps they are
// launched one by one: the same kernels on the same memory, so the same bits. A run that failed leaves
// nothing that the next one reads but states: inputs are copied anew, and tickets are zeroed first.
#include <algorithm>
#include <map>
#include <set>
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
  ~GpuExecutor() override { settle(); }  // the stream may still read what goes with this

  void bind(const Binding& binding) override;
  AnyView writable(const plan::Placed& input) override;
  /// What is staged, or a copy.
  AnyView readable(const plan::Placed& value) const override;
  void fill(const plan::StateEntry& entry, const WriteRow& write) override;
  void run(const Hooks& hooks) override;
  void wait() override;

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
  void synchronize() const { execute::synchronize(*to_.queue, to_.gpu); }
  /// Waits where an error would hide another one.
  void settle() const noexcept;
  void enqueue(const Hooks& hooks, bool by_step);
  void launch_each(const Hooks& hooks);
  void capture();
  /// Events: 0 and 1 around all kernels, 2 on between the steps. They outlive what the stream does.
  void mark(size_t number);
  [[nodiscard]] int64_t ns_between(size_t from, size_t to) const;
  void poison(int64_t offset, int64_t bytes);

  Bases bases_;
  std::map<int, std::byte*> staged_;  // slots of inputs and outputs
  std::set<int> written_;             // slots of inputs that the GPU does not have yet
  mutable bool fetched_ = false;      // outputs that are staged are those of the last run
  bool running_ = false;              // the arena is between two steps
  bool timed_steps_ = false;          // by the last run
  bool ran_ = false;                  // and its time is not known yet
  std::vector<std::vector<std::byte>> filling_;  // states' entries on their way
  mutable std::vector<std::byte> seen_;
  std::vector<device::Handle<device::Event>> marks_;
  device::Handle<device::Executable> graph_;  // of the arena and the stream that are bound
};

void GpuExecutor::bind(const Binding& binding) {
  if (to_.arena != binding.arena || to_.states != binding.states || to_.queue != binding.queue) {
    graph_.reset();
  }
  to_ = binding;
  bases_ = {binding.arena, binding.states};
  fetched_ = false;
  std::byte* at = to_.staging;
  for (const auto* ports : {&plan_.inputs, &plan_.outputs}) {
    for (const plan::Port& port : *ports) {
      staged_[port.value.region.slot] = at;
      at += plan::staged_bytes(plan_.slot(port.value));
    }
  }
  for (const plan::Port& port : plan_.inputs) written_.insert(port.value.region.slot);
  device::select(to_.gpu);
  if (to_.poison) poison(0, plan_.arena_bytes);
}

void GpuExecutor::settle() const noexcept {
  try {
    if (to_.queue != nullptr && to_.queue->in_flight) synchronize();
  } catch (const Error&) {  // the first sentence is the one that matters
  }
}

AnyView GpuExecutor::writable(const plan::Placed& input) {
  if (to_.queue->in_flight) synchronize();  // what is staged may still be copied
  written_.insert(input.region.slot);
  return view_at(input, staged_.at(input.region.slot));
}

void GpuExecutor::poison(int64_t offset, int64_t bytes) {
  // All ones is a NaN in every type of numbers; samples become white.
  to_.queue->in_flight = true;
  device::fill(*to_.queue->stream, to_.arena + offset, 0xff, static_cast<size_t>(bytes));
}

AnyView GpuExecutor::readable(const plan::Placed& value) const {
  const int index = value.region.slot;
  const auto staged = staged_.find(index);
  const bool is_state = slot(index).state;  // which others write too: another graph, fill()
  const bool is_output = std::ranges::any_of(
      plan_.outputs, [&](const plan::Port& port) { return port.value.region.slot == index; });
  device::select(to_.gpu);
  if (staged != staged_.end() && !is_state && !running_) {
    if (is_output && !fetched_) {
      for (const plan::Port& port : plan_.outputs) {
        const int output = port.value.region.slot;
        device::download(*to_.queue->stream, staged_.at(output), on_gpu(output),
                         static_cast<size_t>(slot(output).bytes));
      }
      synchronize();
      fetched_ = true;
    }
    return view_at(value, staged->second);
  }
  seen_.resize(static_cast<size_t>(slot(index).bytes));
  device::download(*to_.queue->stream, seen_.data(), on_gpu(index), seen_.size());
  synchronize();
  return view_at(value, seen_.data());
}

void GpuExecutor::fill(const plan::StateEntry& entry, const WriteRow& write) {
  device::select(to_.gpu);
  const int index = entry.value.region.slot;
  if (to_.queue->in_flight && filling_.size() >= plan_.states.size()) synchronize();
  if (!to_.queue->in_flight) filling_.clear();
  std::vector<std::byte>& rows = filling_.emplace_back(static_cast<size_t>(slot(index).bytes));
  write_rows(view_at(entry.value, rows.data()), write, *to_.parallel);
  to_.queue->in_flight = true;
  device::upload(*to_.queue->stream, on_gpu(index), rows.data(), rows.size());
}

void GpuExecutor::run(const Hooks& hooks) {
  device::select(to_.gpu);
  running_ = true;
  fetched_ = ran_ = false;
  try {
    const bool by_step = hooks.after || hooks.time_steps || to_.poison;
    if (!by_step) {
      if (!plan_.steps.empty()) check_cancelled(hooks, 0);
      if (!graph_) capture();
    }
    to_.queue->in_flight = true;
    enqueue(hooks, by_step);
  } catch (...) {
    // What the stream was given may still copy from and to memory that its owner is about to free.
    for (const plan::Port& port : plan_.inputs) written_.insert(port.value.region.slot);
    to_.queue->in_flight = true;
    settle();
    throw;
  }
  running_ = false;
  ran_ = true;
  timed_steps_ = hooks.time_steps;
}

void GpuExecutor::enqueue(const Hooks& hooks, bool by_step) {
  device::Stream& stream = *to_.queue->stream;
  if (plan_.tickets >= 0) {
    device::fill(stream, on_gpu(plan_.tickets), 0, static_cast<size_t>(slot(plan_.tickets).bytes));
  }
  for (const int input : std::exchange(written_, {})) {
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
}

void GpuExecutor::wait() {
  if (to_.queue->in_flight) synchronize();
  if (!std::exchange(ran_, false)) return;
  run_ns_ = ns_between(0, 1);
  for (size_t i = 0; timed_steps_ && i < times_.size(); ++i) {
    times_[i] = {ns_between(0, i + 2), ns_between(0, i + 3)};
  }
}

void GpuExecutor::mark(size_t number) {
  while (marks_.size() <= number) marks_.push_back(device::make_event());
  device::record(*to_.queue->stream, *marks_[number]);
}

int64_t GpuExecutor::ns_between(size_t from, size_t to) const {
  return static_cast<int64_t>(1e6 *
                              static_cast<double>(device::elapsed_ms(*marks_[from], *marks_[to])));
}

void GpuExecutor::launch_each(const Hooks& hooks) {
  if (hooks.time_steps) mark(2);
  for (int i = 0; i < static_cast<int>(plan_.steps.size()); ++i) {
    check_cancelled(hooks, i);
    launch(plan_.steps[static_cast<size_t>(i)]);
    if (hooks.time_steps) mark(static_cast<size_t>(i) + 3);
    if (hooks.after) {
      synchronize();
      hooks.after(i);
      to_.queue->in_flight = true;
    }
    if (!to_.poison) continue;
    for (const plan::Slot& dead : plan_.slots) {
      if (dead.last == i && dead.bytes > 0 && !dead.state) poison(dead.offset, dead.bytes);
    }
  }
}

void GpuExecutor::capture() {
  device::begin_capture(*to_.queue->stream);
  try {
    for (const plan::PlanStep& step : plan_.steps) launch(step);
  } catch (...) {
    try {
      static_cast<void>(device::end_capture(*to_.queue->stream));
    } catch (const Error&) {  // a capture that failed cannot end well either
    }
    throw;
  }
  const auto recorded = device::end_capture(*to_.queue->stream);
  graph_ = device::instantiate(*recorded);
}

void GpuExecutor::launch(const plan::PlanStep& step) {
  const CallViews views(plan_, step, bases_, weights_);
  kintsugi::launch(step.work, views.call(), *to_.queue->stream);
}

}  // namespace

std::unique_ptr<Executor> make_gpu_executor(plan::Plan plan, PackedWeights weights) {
  return std::make_unique<GpuExecutor>(std::move(plan), std::move(weights));
}

}  // namespace kintsugi::execute
