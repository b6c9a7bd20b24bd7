// SPDX-License-Identifier: MIT
//
// The executor of this machine's processor: the cpu kernels, and the reference in f32 and f64.
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

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

/// Calls an op by its description; the backend is the only thing decided here.
template <class Desc, class Args>
void call(const Desc& desc, const plan::Config& config, plan::Backend backend, const Args& args,
          Parallel& parallel) {
  if (backend != plan::Backend::cpu) return reference(desc, args, parallel);
  std::visit(
      [&](const auto& choice) {
        if constexpr (requires { cpu(desc, choice, args, parallel); }) {
          cpu(desc, choice, args, parallel);
        } else if constexpr (requires { cpu(desc, args, parallel); }) {
          cpu(desc, args, parallel);
        } else {
          throw Error(ErrorCode::internal, "a plan holds a configuration of another op");
        }
      },
      config);
}

class HostExecutor final : public Executor {
 public:
  HostExecutor(plan::Plan plan, PackedWeights weights)
      : Executor(std::move(plan), std::move(weights)) {}

  void bind(const Binding& binding) override {
    to_ = binding;
    // All ones is a NaN in f32 and in f64.
    if (to_.poison) std::memset(to_.arena, 0xff, static_cast<size_t>(plan_.arena_bytes));
  }
  void write_input(int index, const WriteRow& write) override {
    write_rows(slot(index), begin(index), write, *to_.parallel);
  }
  void write_input(int index, const image::PictureIn& from) override;
  void read(int index, const ReadRow& read) const override {
    read_rows(slot(index), begin(index), read);
  }
  void read(int index, const image::PictureOut& to) override;
  Survey survey(int index) const override {
    return survey_rows(slot(index), begin(index), *to_.parallel);
  }
  void run(const Hooks& hooks) override;

 private:
  std::byte* begin(int index) const { return to_.arena + slot(index).offset; }
  template <class T>
  TensorView<T> view(int index) const {
    return view_of<T>(slot(index), begin(index));
  }
  template <class T>
  std::span<T> workspace(const plan::PlanStep& step) const {
    if (step.workspace < 0) return {};
    return {reinterpret_cast<T*>(begin(step.workspace)),
            static_cast<size_t>(slot(step.workspace).bytes) / sizeof(T)};
  }
  /// Converts by the plan's backend; `args` of a view in T.
  template <class T, class Desc, class Args>
  void convert(const Desc& desc, const Args& args) {
    if constexpr (std::is_same_v<T, float>) {
      if (plan_.backend == plan::Backend::cpu) return cpu(desc, args, *to_.parallel);
    }
    reference(desc, args, *to_.parallel);
  }
  template <class T>
  void run_step(const plan::PlanStep& step);
  void poison_dead(int step);

  Binding to_;
};

void HostExecutor::write_input(int index, const image::PictureIn& from) {
  const auto as = [&]<class S, class T>(const image::PictureView<const S>& picture, T) {
    convert<T>(from.desc, image::ToTensorArgs<S, T>{picture, from.mask, view<T>(index)});
  };
  std::visit(
      [&](const auto& picture) {
        slot(index).dtype == DType::f64 ? as(picture, double{}) : as(picture, float{});
      },
      from.picture);
}

void HostExecutor::read(int index, const image::PictureOut& to) {
  const auto as = [&]<class S, class T>(const image::PictureView<S>& picture, T) {
    int64_t first_bad = image::kNoPixel;
    convert<T>(to.desc, image::ToPictureArgs<S, T>{view<T>(index), to.mask, picture, &first_bad});
    require_samples(first_bad, picture.shape);
  };
  std::visit(
      [&](const auto& picture) {
        slot(index).dtype == DType::f64 ? as(picture, double{}) : as(picture, float{});
      },
      to.picture);
}

void HostExecutor::run(const Hooks& hooks) {
  const int64_t start = now_ns();
  std::vector<StepTime> times(plan_.steps.size());
  for (int i = 0; i < static_cast<int>(plan_.steps.size()); ++i) {
    ask(hooks, i);
    const plan::PlanStep& step = plan_.steps[static_cast<size_t>(i)];
    StepTime& time = times[static_cast<size_t>(i)];
    time.begin_ns = now_ns() - start;
    if (plan_.backend == plan::Backend::reference_f64) {
      run_step<double>(step);
    } else {
      run_step<float>(step);
    }
    time.end_ns = now_ns() - start;
    if (hooks.after) hooks.after(i);
    if (to_.poison) poison_dead(i);
  }
  times_ = std::move(times);
  run_ns_ = now_ns() - start;
}

template <class T>
void HostExecutor::run_step(const plan::PlanStep& step) {
  const auto constant = [&](int index) {
    return reinterpret_cast<const T*>(weights_[static_cast<size_t>(index)]->data());
  };
  std::array<Operand<T>, 4 * Steps::kMaxSteps> operands;  // of two lists, two a step
  size_t count = 0;
  for (const plan::Source& source : step.operands) {
    const T* data = source.is_slot ? view<T>(source.index).data : constant(source.index);
    operands[count++] = {data + source.offset, source.pitch};
  }
  const Operands<T> steps(operands.data(), count);
  const TensorView<const T> input = view<T>(step.inputs[0]);
  const TensorView<T> output = view<T>(step.output);
  // Plans of the references, which have numbers of other types, leave none.
  const MomentsView<float> left = moments_of(plan_, step, [&](int index) { return begin(index); });
  MomentsView<T> moments;
  if constexpr (std::is_same_v<T, float>) moments = left;
  const auto weight = [&](size_t i) -> std::span<const T> {
    if (i >= step.weights.size()) return {};
    const auto elements = plan_.packed[static_cast<size_t>(step.weights[i])].elements;
    return {constant(step.weights[i]), static_cast<size_t>(elements)};
  };

  const auto run = [&](const auto& desc, const auto& args) {
    if constexpr (std::is_same_v<T, float>) {
      call(desc, step.config, plan_.backend, args, *to_.parallel);
    } else {
      reference(desc, args, *to_.parallel);
    }
  };
  if (const auto* conv = std::get_if<conv2d::Desc>(&step.op)) {
    run(*conv, conv2d::Args<T>{input, weight(0), steps, output, workspace<T>(step), moments});
  } else if (const auto* deconv = std::get_if<conv_transpose2d::Desc>(&step.op)) {
    run(*deconv,
        conv_transpose2d::Args<T>{input, weight(0), steps, output, workspace<T>(step), moments});
  } else if (const auto* chain = std::get_if<elementwise::Desc>(&step.op)) {
    run(*chain, elementwise::Args<T>{input, steps, output});
  } else if (const auto* border = std::get_if<pad::Desc>(&step.op)) {
    run(*border, pad::Args<T>{input, output});
  } else if (const auto* statistics = std::get_if<norm::Desc>(&step.op)) {
    run(*statistics,
        norm::Args<T>{input, weight(0), weight(1), output, workspace<T>(step), moments});
  } else if (const auto* pixelwise = std::get_if<layer_norm::Desc>(&step.op)) {
    run(*pixelwise, layer_norm::Args<T>{input, weight(0), weight(1), output});
  } else if (const auto* holes = std::get_if<partial_mask::Desc>(&step.op)) {
    run(*holes, partial_mask::Args<T>{masks_of(step, [&](int i) { return view<T>(i); }), output});
  } else if (const auto* size = std::get_if<resample::Desc>(&step.op)) {
    run(*size, resample::Args<T>{input, output});
  } else if (const auto* window = std::get_if<pool::Desc>(&step.op)) {
    run(*window, pool::Args<T>{input, output});
  } else if (const auto* whole = std::get_if<reduce::Desc>(&step.op)) {
    run(*whole, reduce::Args<T>{input, output, workspace<T>(step)});
  } else {
    throw Error(ErrorCode::internal, "a plan has no step for " + graph::to_string(step.op));
  }
}

void HostExecutor::poison_dead(int step) {
  for (const plan::Slot& dead : plan_.slots) {
    if (dead.last != step) continue;
    std::memset(to_.arena + dead.offset, 0xff, static_cast<size_t>(dead.bytes));
  }
}

}  // namespace

std::unique_ptr<Executor> make_host_executor(plan::Plan plan, PackedWeights weights) {
  return std::make_unique<HostExecutor>(std::move(plan), std::move(weights));
}

}  // namespace kintsugi::execute
