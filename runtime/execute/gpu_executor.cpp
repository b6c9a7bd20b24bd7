// SPDX-License-Identifier: MIT
//
// The executor of a GPU. Inputs and outputs are written and read in page-locked memory of the host;
// a run copies the inputs over, replays every kernel as one graph, which was captured in the first
// run, and copies the outputs back. To watch or time single steps they are launched one by one:
// the same kernels on the same memory, so the same bits. A run that failed leaves nothing that
// the next one reads but states: it brings its inputs anew, and tickets are zeroed first.
// Of a picture its samples are staged and copied, to where no input or output stands; before the first
// step they become the input's numbers, after the last one numbers become samples there.
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "kernels/contract/launch.h"
#include "kernels/image/cuda.h"
#include "runtime/execute/call_views.h"
#include "runtime/execute/executor.h"
#include "runtime/execute/rows.h"
#include "runtime/execute/staged_picture.h"

namespace kintsugi::execute {
namespace {

class GpuExecutor final : public Executor {
 public:
  GpuExecutor(plan::Plan plan, PackedWeights weights)
      : Executor(std::move(plan), std::move(weights)) {}

  void bind(const Binding& binding) override;
  void write_input(const plan::Placed& input, const WriteRow& write) override {
    pictured_.erase(input.region.slot);
    write_rows(staged_view(input), write, *to_.parallel);
  }
  void write_input(const plan::Placed& input, const image::PictureIn& from) override;
  void fill(const plan::StateEntry& entry, const WriteRow& write) override;
  void read(const plan::Placed& value, const ReadRow& read) const override {
    read_rows(on_host(value), read);
  }
  void read(const plan::Placed& output, const image::PictureOut& to) override;
  ValueCheck check(const plan::Placed& value) const override {
    return check_rows(on_host(value), *to_.parallel);
  }
  void run(const Hooks& hooks) override;

 private:
  [[nodiscard]] const plan::Slot& slot(int index) const {
    return plan_.slots[static_cast<size_t>(index)];
  }
  std::byte* on_gpu(int index) const { return bases_.begin(slot(index)); }
  [[nodiscard]] AnyView view(const plan::Placed& value) const { return bases_.view(plan_, value); }
  /// The value where a copy of its slot begins at `slot`.
  [[nodiscard]] AnyView view_at(const plan::Placed& value, std::byte* slot) const {
    AnyView copy = view(value);
    copy.data += slot - on_gpu(value.region.slot);
    return copy;
  }
  [[nodiscard]] AnyView staged_view(const plan::Placed& value) const {
    return view_at(value, staged_.at(value.region.slot));
  }
  /// A value on the host: staged, or in a copy that holds until the next is asked for.
  [[nodiscard]] AnyView on_host(const plan::Placed& value) const;
  bool is_input(int index) const;
  /// Where on the GPU a picture for a port may stand, for as long as no step runs.
  std::byte* room_for(int index, int64_t bytes) const;
  void launch(const plan::PlanStep& step);
  /// Enqueues a whole run, and waits for it.
  void enqueue(const Hooks& hooks, bool by_step);
  void launch_each(const Hooks& hooks);
  void capture();
  /// Events: 0 and 1 around all kernels, 2 on between the steps. They outlive what the stream does.
  void mark(size_t number);
  [[nodiscard]] int64_t ns_between(size_t from, size_t to) const;
  void poison(int64_t offset, int64_t bytes);

  Binding to_;
  Bases bases_;
  std::map<int, std::byte*> staged_;               // slots of inputs and outputs
  std::map<int, std::function<void()>> pictured_;  // inputs that are made of what is staged
  std::set<int> overwritten_;                      // outputs in whose place a picture was staged
  Room room_ = room_between_runs(plan_);           // for one picture after another
  bool running_ = false;  // what is staged of the outputs is not of this run
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
  // All ones is a NaN in every storage type.
  device::fill(*to_.stream, to_.arena + offset, 0xff, static_cast<size_t>(bytes));
}

bool GpuExecutor::is_input(int index) const {
  return std::ranges::any_of(
      plan_.inputs, [&](const plan::Port& port) { return port.value.region.slot == index; });
}

AnyView GpuExecutor::on_host(const plan::Placed& value) const {
  const int index = value.region.slot;
  const auto staged = staged_.find(index);
  const bool is_state = slot(index).state;  // which others write too: another graph, fill()
  if (staged != staged_.end() && !is_state && (!running_ || is_input(index)) &&
      !pictured_.contains(index) && !overwritten_.contains(index)) {
    return view_at(value, staged->second);
  }
  seen_.resize(static_cast<size_t>(slot(index).bytes));
  device::select(to_.gpu);
  device::download(*to_.stream, seen_.data(), on_gpu(index), seen_.size());
  device::synchronize(*to_.stream);
  return view_at(value, seen_.data());
}

std::byte* GpuExecutor::room_for(int index, int64_t bytes) const {
  if (bytes > std::min(room_.bytes, plan::staged_bytes(slot(index)))) {
    throw Error(ErrorCode::internal, "a plan has no room for a picture of " +
                                         plan::readable_bytes(bytes) + " between two runs");
  }
  return to_.arena + room_.offset;
}

void GpuExecutor::fill(const plan::StateEntry& entry, const WriteRow& write) {
  device::select(to_.gpu);
  const int index = entry.value.region.slot;
  std::vector<std::byte> rows(static_cast<size_t>(slot(index).bytes));
  write_rows(view_at(entry.value, rows.data()), write, *to_.parallel);
  device::upload(*to_.stream, on_gpu(index), rows.data(), rows.size());
  device::synchronize(*to_.stream);
}

void GpuExecutor::write_input(const plan::Placed& input, const image::PictureIn& from) {
  const int index = input.region.slot;
  const auto stage = [&]<class S>(const image::PictureView<const S>& picture) {
    image::check(from.desc, picture.shape, input.shape);
    const StagedPicture<S> staged{picture.shape, from.mask.data != nullptr};
    static_cast<void>(room_for(index, staged.bytes()));
    staged.put(picture, from.mask, staged_.at(index));
    pictured_[index] = [this, input, index, staged, desc = from.desc] {
      std::byte* room = room_for(index, staged.bytes());
      device::upload(*to_.stream, room, staged_.at(index), static_cast<size_t>(staged.bytes()));
      with_cuda_type(slot(index).dtype, [&]<class T>(T) {
        image::cuda(
            desc,
            image::ToTensorArgs<S, T>{staged.picture(room), staged.mask(room), view(input).as<T>()},
            *to_.stream);
      });
    };
  };
  std::visit(stage, from.picture);
}

void GpuExecutor::read(const plan::Placed& output, const image::PictureOut& to) {
  const int index = output.region.slot;
  device::select(to_.gpu);
  const auto fill = [&]<class S>(const image::PictureView<S>& picture) {
    image::check(to.desc, output.shape, picture.shape);
    const StagedPicture<S> staged{picture.shape, to.mask.data != nullptr};
    std::byte* room = room_for(index, staged.bytes());
    std::byte* host = staged_.at(index);
    device::Stream& stream = *to_.stream;
    overwritten_.insert(index);
    staged.put(picture, to.mask, host);
    device::upload(stream, room, host, static_cast<size_t>(staged.bytes()));
    with_cuda_type(slot(index).dtype, [&]<class T>(T) {
      image::cuda(to.desc,
                  image::ToPictureArgs<S, T>{view(output).as<T>(), staged.mask(room),
                                             staged.picture(room), staged.first_bad(room)},
                  stream);
    });
    device::download(stream, host, room, static_cast<size_t>(staged.mask_at()));
    device::synchronize(stream);
    require_samples(*staged.first_bad(host), picture.shape);
    staged.take(host, picture);
  };
  std::visit(fill, to.picture);
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
    const auto pictured = pictured_.find(input);
    if (pictured != pictured_.end()) {
      pictured->second();
      continue;
    }
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
  overwritten_.clear();
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
