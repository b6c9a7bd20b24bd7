// SPDX-License-Identifier: MIT
//
// The executor of a GPU. Inputs and outputs are written and read in page-locked memory of the host;
// a run copies the inputs over, replays every kernel as one graph, which was captured in the first
// run, and copies the outputs back. Who wants to see or time single steps gets them launched one by
// one: the same kernels on the same memory, so the same bits. A run that failed leaves nothing that
// the next one reads: it brings its inputs anew, and tickets are zeroed first.
// Of a picture its samples are staged and copied, to where no input or output stands; before the first
// step they become the input's numbers, after the last one numbers become samples there.
#include <array>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "kernels/conv2d/cuda.h"
#include "kernels/conv_transpose2d/cuda.h"
#include "kernels/elementwise/cuda.h"
#include "kernels/image/cuda.h"
#include "kernels/layer_norm/cuda.h"
#include "kernels/norm/cuda.h"
#include "kernels/pad/cuda.h"
#include "kernels/partial_mask/cuda.h"
#include "kernels/pool/cuda.h"
#include "kernels/reduce/cuda.h"
#include "kernels/resample/cuda.h"
#include "runtime/execute/executor.h"
#include "runtime/execute/rows.h"
#include "runtime/execute/staged_picture.h"

namespace kintsugi::execute {
namespace {

/// f(T{}) with the type that stores a `dtype` on a GPU.
template <class F>
void with_element(DType dtype, const F& f) {
  switch (dtype) {
    case DType::f32: return f(float{});
    case DType::f16: return f(f16{});
    case DType::bf16: return f(bf16{});
    default: throw Error(ErrorCode::internal, "a plan for a GPU stores what no kernel reads");
  }
}

class GpuExecutor final : public Executor {
 public:
  GpuExecutor(plan::Plan plan, PackedWeights weights)
      : Executor(std::move(plan), std::move(weights)) {}

  void bind(const Binding& binding) override;
  void write_input(int index, const WriteRow& write) override {
    pictured_.erase(index);
    write_rows(slot(index), staged_.at(index), write, *to_.parallel);
  }
  void write_input(int index, const image::PictureIn& from) override;
  void read(int index, const ReadRow& read) const override {
    read_rows(slot(index), on_host(index), read);
  }
  void read(int index, const image::PictureOut& to) override;
  Survey survey(int index) const override {
    return survey_rows(slot(index), on_host(index), *to_.parallel);
  }
  void run(const Hooks& hooks) override;

 private:
  std::byte* on_gpu(int index) const { return to_.arena + slot(index).offset; }
  /// A slot's bytes on the host: those staged, or a copy that holds until the next is asked for.
  std::byte* on_host(int index) const;
  bool is_input(int index) const;
  template <class T>
  TensorView<T> view(int index) const {
    return view_of<T>(slot(index), on_gpu(index));
  }
  /// Where on the GPU a picture for a port may stand, for as long as no step runs.
  std::byte* room_for(int index, int64_t bytes) const;
  void launch(const plan::PlanStep& step);
  template <class T>
  void launch_as(const plan::PlanStep& step);
  /// Gives the stream a whole run, and waits for it.
  void give(const Hooks& hooks, bool by_step);
  void launch_each(const Hooks& hooks);
  void capture();
  /// Events: 0 and 1 around all kernels, 2 on between the steps. They outlive what the stream does.
  void mark(size_t number);
  [[nodiscard]] int64_t ns_between(size_t from, size_t to) const;
  void poison(int64_t offset, int64_t bytes);

  Binding to_;
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
  if (to_.arena != binding.arena || to_.stream != binding.stream) graph_.reset();
  to_ = binding;
  std::byte* at = to_.staging;
  for (const auto* ports : {&plan_.inputs, &plan_.outputs}) {
    for (const plan::Port& port : *ports) {
      staged_[port.slot] = at;
      at += plan::staged_bytes(slot(port.slot));
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
  return std::ranges::find(plan_.inputs, index, &plan::Port::slot) != plan_.inputs.end();
}

std::byte* GpuExecutor::on_host(int index) const {
  const auto staged = staged_.find(index);
  if (staged != staged_.end() && (!running_ || is_input(index)) && !pictured_.contains(index) &&
      !overwritten_.contains(index)) {
    return staged->second;
  }
  seen_.resize(static_cast<size_t>(slot(index).bytes));
  device::select(to_.gpu);
  device::download(*to_.stream, seen_.data(), on_gpu(index), seen_.size());
  device::synchronize(*to_.stream);
  return seen_.data();
}

std::byte* GpuExecutor::room_for(int index, int64_t bytes) const {
  if (bytes > std::min(room_.bytes, plan::staged_bytes(slot(index)))) {
    throw Error(ErrorCode::internal, "a plan has no room for a picture of " +
                                         plan::readable_bytes(bytes) + " between two runs");
  }
  return to_.arena + room_.offset;
}

void GpuExecutor::write_input(int index, const image::PictureIn& from) {
  const auto stage = [&]<class S>(const image::PictureView<const S>& picture) {
    image::check(from.desc, picture.shape, slot(index).shape);
    const StagedPicture<S> staged{picture.shape, from.mask.data != nullptr};
    static_cast<void>(room_for(index, staged.bytes()));
    staged.put(picture, from.mask, staged_.at(index));
    pictured_[index] = [this, index, staged, desc = from.desc] {
      std::byte* room = room_for(index, staged.bytes());
      device::upload(*to_.stream, room, staged_.at(index), static_cast<size_t>(staged.bytes()));
      with_element(slot(index).dtype, [&]<class T>(T) {
        image::cuda(
            desc,
            image::ToTensorArgs<S, T>{staged.picture(room), staged.mask(room), view<T>(index)},
            *to_.stream);
      });
    };
  };
  std::visit(stage, from.picture);
}

void GpuExecutor::read(int index, const image::PictureOut& to) {
  device::select(to_.gpu);
  const auto fill = [&]<class S>(const image::PictureView<S>& picture) {
    image::check(to.desc, slot(index).shape, picture.shape);
    const StagedPicture<S> staged{picture.shape, to.mask.data != nullptr};
    std::byte* room = room_for(index, staged.bytes());
    std::byte* host = staged_.at(index);
    device::Stream& stream = *to_.stream;
    overwritten_.insert(index);
    staged.put(picture, to.mask, host);
    device::upload(stream, room, host, static_cast<size_t>(staged.bytes()));
    with_element(slot(index).dtype, [&]<class T>(T) {
      image::cuda(to.desc,
                  image::ToPictureArgs<S, T>{view<T>(index), staged.mask(room),
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
      if (!plan_.steps.empty()) ask(hooks, 0);
      if (!graph_) capture();
    }
    give(hooks, by_step);
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

void GpuExecutor::give(const Hooks& hooks, bool by_step) {
  device::Stream& stream = *to_.stream;
  if (plan_.tickets >= 0) {
    device::fill(stream, on_gpu(plan_.tickets), 0, static_cast<size_t>(slot(plan_.tickets).bytes));
  }
  for (const plan::Port& port : plan_.inputs) {
    const auto pictured = pictured_.find(port.slot);
    if (pictured != pictured_.end()) {
      pictured->second();
      continue;
    }
    device::upload(stream, on_gpu(port.slot), staged_.at(port.slot),
                   static_cast<size_t>(slot(port.slot).bytes));
  }
  mark(0);
  if (by_step) {
    launch_each(hooks);
  } else {
    device::replay(stream, *graph_);
  }
  mark(1);
  for (const plan::Port& port : plan_.outputs) {
    device::download(stream, staged_.at(port.slot), on_gpu(port.slot),
                     static_cast<size_t>(slot(port.slot).bytes));
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
    ask(hooks, i);
    launch(plan_.steps[static_cast<size_t>(i)]);
    if (hooks.time_steps) mark(static_cast<size_t>(i) + 3);
    if (hooks.after) {
      device::synchronize(stream);
      hooks.after(i);
    }
    if (!to_.poison) continue;
    for (const plan::Slot& dead : plan_.slots) {
      if (dead.last == i && dead.bytes > 0) poison(dead.offset, dead.bytes);
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
  // A kernel is named by the type of what it reads; what norm makes of it is f32 in any case.
  with_element(slot(step.inputs[0]).dtype, [&]<class T>(T) { launch_as<T>(step); });
}

template <class T>
void GpuExecutor::launch_as(const plan::PlanStep& step) {
  const auto constant = [&](int index) { return weights_[static_cast<size_t>(index)]->data(); };
  std::array<device::StepOperand, 4 * Steps::kMaxSteps> operands;  // of two lists, two a step
  size_t count = 0;
  for (const plan::Source& source : step.operands) {
    if (source.is_slot) {
      const int64_t offset = source.offset * size_bytes(slot(source.index).dtype);
      operands[count++] = {on_gpu(source.index) + offset, source.pitch};
    } else {
      operands[count++] = {constant(source.index), 0};
    }
  }
  const std::span<const device::StepOperand> steps(operands.data(), count);
  const TensorView<const T> input = view<T>(step.inputs[0]);
  const TensorView<T> output = view<T>(step.output);
  std::byte* const workspace = step.workspace >= 0 ? on_gpu(step.workspace) : nullptr;
  const MomentsView<float> moments =
      moments_of(plan_, step, [&](int index) { return on_gpu(index); });
  const auto vector = [&](size_t i) {
    return i < step.weights.size() ? reinterpret_cast<const float*>(constant(step.weights[i]))
                                   : nullptr;
  };
  const auto convolve = [&](const auto& desc) {
    implicit_gemm::CudaArgs<T> args{.input = input,
                                    .weight = reinterpret_cast<const T*>(constant(step.weights[0])),
                                    .operands = steps,
                                    .output = output};
    if (plan_.tickets >= 0) args.tickets = reinterpret_cast<uint32_t*>(on_gpu(plan_.tickets));
    args.partial = reinterpret_cast<float*>(workspace);
    args.moments = moments;
    cuda(desc, std::get<implicit_gemm::CudaConfig>(step.config), args, *to_.stream);
  };
  if (const auto* conv = std::get_if<conv2d::Desc>(&step.op)) {
    convolve(*conv);
  } else if (const auto* deconv = std::get_if<conv_transpose2d::Desc>(&step.op)) {
    convolve(*deconv);
  } else if (const auto* chain = std::get_if<elementwise::Desc>(&step.op)) {
    cuda(*chain, elementwise::CudaArgs<T>{input, steps, output}, *to_.stream);
  } else if (const auto* border = std::get_if<pad::Desc>(&step.op)) {
    cuda(*border, pad::CudaArgs<T>{input, output}, *to_.stream);
  } else if (const auto* statistics = std::get_if<norm::Desc>(&step.op)) {
    cuda(*statistics,
         norm::CudaArgs<T>{input, vector(0), vector(1), view<float>(step.output), workspace,
                           moments},
         *to_.stream);
  } else if (const auto* pixelwise = std::get_if<layer_norm::Desc>(&step.op)) {
    cuda(*pixelwise, std::get<layer_norm::CudaConfig>(step.config),
         layer_norm::CudaArgs<T>{input, vector(0), vector(1), output}, *to_.stream);
  } else if (const auto* holes = std::get_if<partial_mask::Desc>(&step.op)) {
    const auto masks = masks_of(step, [&](int i) { return view<float>(i); });
    cuda(*holes, partial_mask::Args<float>{masks, view<float>(step.output)}, *to_.stream);
  } else if (const auto* size = std::get_if<resample::Desc>(&step.op)) {
    cuda(*size, resample::CudaArgs<T>{input, output}, *to_.stream);
  } else if (const auto* window = std::get_if<pool::Desc>(&step.op)) {
    cuda(*window, pool::CudaArgs<T>{input, output}, *to_.stream);
  } else if (const auto* whole = std::get_if<reduce::Desc>(&step.op)) {
    cuda(*whole, reduce::CudaArgs<T>{input, output, workspace}, *to_.stream);
  } else {
    throw Error(ErrorCode::internal, "a plan has no launch for " + graph::to_string(step.op));
  }
}

}  // namespace

std::unique_ptr<Executor> make_gpu_executor(plan::Plan plan, PackedWeights weights) {
  return std::make_unique<GpuExecutor>(std::move(plan), std::move(weights));
}

}  // namespace kintsugi::execute
