// SPDX-License-Identifier: MIT
#include "runtime/execute/executor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

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

}  // namespace

template <class F>
auto Executor::with_element_type(F&& f) const {
  return plan_.backend == plan::Backend::reference_f64 ? f(double{}) : f(float{});
}

Executor::Executor(plan::Plan plan, PackedWeights weights)
    : plan_(std::move(plan)), weights_(std::move(weights)), times_(plan_.steps.size()) {}

void Executor::bind(std::byte* arena, Parallel& parallel, const Options& options) {
  arena_ = arena;
  parallel_ = &parallel;
  options_ = options;
  // All ones is a NaN in f32 and in f64.
  if (options_.poison) std::memset(arena_, 0xff, static_cast<size_t>(plan_.arena_bytes));
}

template <class T>
TensorView<T> Executor::view(int slot) const {
  const plan::Slot& s = plan_.slots[static_cast<size_t>(slot)];
  return {reinterpret_cast<T*>(arena_ + s.offset), s.shape, s.pitch};
}

template <class T>
std::span<T> Executor::workspace(const plan::PlanStep& step) const {
  if (step.workspace < 0) return {};
  const plan::Slot& s = plan_.slots[static_cast<size_t>(step.workspace)];
  return {reinterpret_cast<T*>(arena_ + s.offset), static_cast<size_t>(s.bytes) / sizeof(T)};
}

void Executor::write_input(int slot, const WriteRow& write) {
  with_element_type([&]<class T>(T) {
    const TensorView<T> to = view<T>(slot);
    const int64_t channels = to.shape.c();
    parallel_->parallel_for(to.shape.n() * to.shape.h(), [&](int64_t row) {
      const int64_t n = row / to.shape.h();
      const int64_t y = row % to.shape.h();
      std::vector<float> values(static_cast<size_t>(to.shape.w() * channels));
      write(n, y, values);
      for (int64_t x = 0; x < to.shape.w(); ++x) {
        T* pixel = std::copy_n(values.data() + x * channels, channels, to.pixel(n, y, x));
        std::fill_n(pixel, storage_channels(channels) - channels, T{0});
      }
    });
  });
}

void Executor::read(int slot, const ReadRow& read) const {
  with_element_type([&]<class T>(T) {
    const TensorView<const T> from = view<const T>(slot);
    const int64_t channels = from.shape.c();
    std::vector<float> row(static_cast<size_t>(from.shape.w() * channels));
    for (int64_t n = 0; n < from.shape.n(); ++n) {
      for (int64_t y = 0; y < from.shape.h(); ++y) {
        for (int64_t x = 0; x < from.shape.w(); ++x) {
          std::transform(from.pixel(n, y, x), from.pixel(n, y, x) + channels,
                         row.data() + x * channels, [](T v) { return static_cast<float>(v); });
        }
        read(n, y, row);
      }
    }
  });
}

void Executor::run(const Hooks& hooks) {
  const int64_t start = now_ns();
  std::vector<StepTime> times(plan_.steps.size());
  for (int i = 0; i < static_cast<int>(plan_.steps.size()); ++i) {
    if (hooks.before && !hooks.before(i)) {
      throw Error(ErrorCode::cancelled,
                  "stopped before the step " + plan_.steps[static_cast<size_t>(i)].names.back());
    }
    StepTime& time = times[static_cast<size_t>(i)];
    time.begin_ns = now_ns() - start;
    with_element_type([&]<class T>(T) { run_step<T>(plan_.steps[static_cast<size_t>(i)]); });
    time.end_ns = now_ns() - start;
    if (hooks.after) hooks.after(i);
    if (options_.poison) poison_dead(i);
  }
  times_ = std::move(times);
}

template <class T>
void Executor::run_step(const plan::PlanStep& step) {
  const auto constant = [&](int index) {
    return reinterpret_cast<const T*>(weights_[static_cast<size_t>(index)]->data());
  };
  std::array<Operand<T>, 2 * Steps::kMaxSteps> operands;
  size_t count = 0;
  for (const plan::Source& source : step.operands) {
    if (source.is_slot) {
      const TensorView<const T> slot = view<const T>(source.index);
      operands[count++] = {slot.data, slot.pitch};
    } else {
      operands[count++] = {constant(source.index), 0};
    }
  }
  const Operands<T> steps(operands.data(), count);
  const TensorView<const T> input = view<const T>(step.inputs[0]);
  const TensorView<T> output = view<T>(step.output);
  const auto weight = [&] {
    const auto elements = plan_.packed[static_cast<size_t>(step.weight)].elements;
    return std::span(constant(step.weight), static_cast<size_t>(elements));
  };

  const auto run = [&](const auto& desc, const auto& args) {
    if constexpr (std::is_same_v<T, float>) {
      call(desc, step.config, plan_.backend, args, *parallel_);
    } else {
      reference(desc, args, *parallel_);
    }
  };
  if (const auto* conv = std::get_if<conv2d::Desc>(&step.op)) {
    run(*conv, conv2d::Args<T>{input, weight(), steps, output, workspace<T>(step)});
  } else if (const auto* deconv = std::get_if<conv_transpose2d::Desc>(&step.op)) {
    run(*deconv, conv_transpose2d::Args<T>{input, weight(), steps, output});
  } else if (const auto* chain = std::get_if<elementwise::Desc>(&step.op)) {
    run(*chain, elementwise::Args<T>{input, steps, output});
  } else if (const auto* border = std::get_if<pad::Desc>(&step.op)) {
    run(*border, pad::Args<T>{input, output});
  } else {
    throw Error(ErrorCode::internal, "a plan has no step for " + graph::to_string(step.op));
  }
}

void Executor::poison_dead(int step) {
  for (const plan::Slot& slot : plan_.slots) {
    if (slot.last != step) continue;
    std::memset(arena_ + slot.offset, 0xff, static_cast<size_t>(slot.bytes));
  }
}

Executor::Survey Executor::survey(int slot) const {
  return with_element_type([&]<class T>(T) {
    const TensorView<const T> values = view<const T>(slot);
    const Shape& shape = values.shape;
    const int64_t rows = shape.n() * shape.h();
    const T first = values.pixel(0, 0, 0)[0];
    // One entry a row, so that the answer does not depend on who looked first.
    std::vector<int64_t> bad(static_cast<size_t>(rows), -1);  // y * W * C + c
    std::vector<char> same(static_cast<size_t>(rows), 1);
    parallel_->parallel_for(rows, [&](int64_t row) {
      for (int64_t x = 0; x < shape.w(); ++x) {
        const T* pixel = values.pixel(row / shape.h(), row % shape.h(), x);
        for (int64_t c = 0; c < shape.c(); ++c) {
          if (!(pixel[c] == first)) same[static_cast<size_t>(row)] = 0;
          if (std::isfinite(pixel[c])) continue;
          bad[static_cast<size_t>(row)] = x * shape.c() + c;
          return;
        }
      }
    });
    Survey survey{.not_finite = {}, .constant = std::ranges::find(same, 0) == same.end()};
    const auto found = std::ranges::find_if(bad, [](int64_t at) { return at >= 0; });
    if (found != bad.end()) {
      const int64_t row = found - bad.begin();
      survey.not_finite = {row / shape.h(), *found % shape.c(), row % shape.h(),
                           *found / shape.c()};
    }
    return survey;
  });
}

}  // namespace kintsugi::execute
