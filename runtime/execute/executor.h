// SPDX-License-Identifier: MIT
//
// Executor replays one plan: it binds the plan's offsets to an arena and calls the kernels in
// order. It decides nothing, and while it runs allocates no activations: only rows on their way in
// and out, and the kernels' own small lists. The arena and the packed weights belong to the session;
// the executor holds on to them. One thread at a time calls it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/view.h"
#include "kernels/simd/parallel.h"
#include "runtime/execute/packed_store.h"
#include "runtime/plan/plan.h"

namespace kintsugi::execute {

/// One row of pixels, W * C values, the channels of a pixel together.
using WriteRow = std::function<void(int64_t n, int64_t y, std::span<float> row)>;
using ReadRow = std::function<void(int64_t n, int64_t y, std::span<const float> row)>;

class Executor {
 public:
  struct Options {
    bool poison = false;  // NaN wherever nothing alive stands: a plan that reads it is wrong
  };
  struct StepTime {
    int64_t begin_ns = 0;  // since the run began
    int64_t end_ns = 0;
  };
  struct Hooks {
    std::function<bool(int step)> before;  // false stops the run: Error::cancelled
    std::function<void(int step)> after;
  };

  Executor(plan::Plan plan, PackedWeights weights);

  [[nodiscard]] const plan::Plan& plan() const { return plan_; }

  /// The memory to run in, at least plan().arena_bytes, and the threads to run on.
  void bind(std::byte* arena, Parallel& parallel, const Options& options);

  /// Fills an input row by row, on all threads: `write` is called from several at once.
  void write_input(int slot, const WriteRow& write);
  /// Runs every step. Outputs stay readable until the next run; inputs survive it.
  void run(const Hooks& hooks);
  /// Hands out a slot row by row, in order, on the calling thread. In a hook any slot alive there
  /// can be read, after a run the inputs and outputs.
  void read(int slot, const ReadRow& read) const;

  /// What is wrong with the values of a slot, looked at on all threads.
  struct Survey {
    std::optional<std::array<int64_t, 4>> not_finite;  // the first NaN or infinity, as n, c, y, x
    bool constant = false;                             // all values are the same
  };
  [[nodiscard]] Survey survey(int slot) const;

  /// Of the last run that was completed, one a step; all zero before there was one.
  [[nodiscard]] const std::vector<StepTime>& times() const { return times_; }

 private:
  template <class T>
  [[nodiscard]] TensorView<T> view(int slot) const;
  template <class T>
  [[nodiscard]] std::span<T> workspace(const plan::PlanStep& step) const;
  template <class T>
  void run_step(const plan::PlanStep& step);
  void poison_dead(int step);
  template <class F>
  auto with_element_type(F&& f) const;

  plan::Plan plan_;
  PackedWeights weights_;
  std::byte* arena_ = nullptr;
  Parallel* parallel_ = nullptr;
  Options options_;
  std::vector<StepTime> times_;
};

}  // namespace kintsugi::execute
