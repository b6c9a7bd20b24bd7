// SPDX-License-Identifier: MIT
//
// Executor replays one plan: it binds the plan's offsets to an arena and calls the kernels in order.
// It decides nothing, and while it runs allocates no activations: only rows on their way in and out,
// and the kernels' own small lists. The arena, the stream and the packed weights belong to the
// session; the executor holds on to them. One thread at a time calls it. There are two: one calls
// kernels of the CPU, the other launches those of a GPU.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "kernels/core/call.h"
#include "kernels/device/api.h"
#include "kernels/simd/parallel.h"
#include "runtime/execute/packed_store.h"
#include "runtime/plan/plan.h"

namespace kintsugi::execute {

/// One row of an image, W * C values, the channels of a pixel together.
using WriteRow = std::function<void(int64_t n, int64_t y, std::span<float> row)>;
using ReadRow = std::function<void(int64_t n, int64_t y, std::span<const float> row)>;

/// A GPU's stream.
struct Queue {
  device::Handle<device::Stream> stream;
  bool in_flight = false;  // it was given work that nobody has waited for
};
/// Returns when the GPU has done what the stream was given.
void synchronize(Queue& queue, int gpu);

/// Where an executor runs.
struct Binding {
  std::byte* arena = nullptr;  // at least Plan::arena_bytes, on the GPU if it is the plan's backend
  std::byte* states =
      nullptr;  // Plan::state_bytes, likewise; kept from run to run. A run that fails or
                // is stopped may have written some of them
  Parallel* parallel = nullptr;
  std::byte* staging = nullptr;  // page-locked, at least Plan::staging_bytes()
  Queue* queue = nullptr;        // of a GPU, nullptr otherwise
  int gpu = 0;
  bool poison = false;  // NaN wherever nothing alive stands: a plan that reads it is wrong
};

class Executor {
 public:
  struct StepTime {
    int64_t begin_ns = 0;  // since the run began
    int64_t end_ns = 0;
  };
  struct Hooks {
    std::function<bool(int step)> before;  // false stops the run: Error::cancelled
    std::function<void(int step)> after;   // sees what the step wrote
    bool time_steps = false;               // and not the whole run alone
  };

  virtual ~Executor() = default;

  [[nodiscard]] const plan::Plan& plan() const { return plan_; }

  virtual void bind(const Binding& binding) = 0;

  /// Host memory where an input is written before a run, as the plan stores it. Inputs survive runs until
  /// bind() is called.
  [[nodiscard]] virtual AnyView writable(const plan::Placed& input) = 0;
  /// Host memory where a value can be read, until the next is asked for: in a hook any that is alive
  /// there, after a run the inputs, outputs and states.
  [[nodiscard]] virtual AnyView readable(const plan::Placed& value) const = 0;
  /// Fills an entry of a state, at once.
  virtual void fill(const plan::StateEntry& entry, const WriteRow& write) = 0;
  /// Runs every step. Outputs stay readable until the next run. A GPU replays all steps as one graph,
  /// and calls `before` for the first alone, unless `after` or `time_steps` asks for each. It copies inputs
  /// over that were written since the last run, and returns at once: what is read later waits.
  virtual void run(const Hooks& hooks) = 0;
  /// Returns when the last run has ended; what failed in it is thrown here at the latest.
  virtual void wait() = 0;

  /// Fills an input row by row, on all threads: `write` is called from several at once.
  void write_input(const plan::Placed& input, const WriteRow& write);
  /// Hands out a value row by row, in order, on the calling thread.
  void read(const plan::Placed& value, const ReadRow& read) const;

  /// Of the last run that was completed and timed its steps, one a step; all zero before.
  [[nodiscard]] const std::vector<StepTime>& times() const { return times_; }
  /// How long the last completed run took, once it was waited for; on a GPU the kernels alone.
  [[nodiscard]] int64_t run_ns() const { return run_ns_; }

 protected:
  Executor(plan::Plan plan, PackedWeights weights)
      : plan_(std::move(plan)), weights_(std::move(weights)), times_(plan_.steps.size()) {}

  /// Asks `hooks` whether to go on with a step; throws Error::cancelled.
  void check_cancelled(const Hooks& hooks, int step) const;

  plan::Plan plan_;
  PackedWeights weights_;
  Binding to_;
  std::vector<StepTime> times_;
  int64_t run_ns_ = 0;
};

/// The executor for the plan's backend. Throws Error::device_unavailable for one that this build
/// does not have.
[[nodiscard]] std::unique_ptr<Executor> make_executor(plan::Plan plan, PackedWeights weights);

[[nodiscard]] std::unique_ptr<Executor> make_host_executor(plan::Plan plan, PackedWeights weights);
[[nodiscard]] std::unique_ptr<Executor> make_gpu_executor(plan::Plan plan, PackedWeights weights);

}  // namespace kintsugi::execute
