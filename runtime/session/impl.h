// SPDX-License-Identifier: MIT
//
// What stands behind the public Model and Session. This folder is where all rooms meet: it opens
// files, asks the registry, plans, and lets executors run. Model::Impl is shared by sessions and
// immutable but for its store, which locks; Session::Impl belongs to one thread at a time.
#pragma once

#include <algorithm>
#include <atomic>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "kernels/device/api.h"
#include "kernels/simd/parallel.h"
#include "kintsugi/kintsugi.hpp"
#include "runtime/execute/executor.h"
#include "runtime/execute/memory.h"
#include "runtime/execute/packed_store.h"
#include "runtime/networks/network.h"
#include "runtime/plan/plan.h"
#include "runtime/session/images.h"
#include "runtime/session/value_check.h"
#include "runtime/weights/weights.h"

namespace kintsugi {

struct Model::Impl {
  weights::Weights weights;
  program::Program program;
  execute::PackedStore store;

  Impl(const std::filesystem::path& file, const OpenOptions& options);
  [[nodiscard]] PlanSummary plan(const PlanOptions& options) const;
  /// What an output of a graph depends on, whatever the size; nullopt: on the whole input.
  [[nodiscard]] std::optional<program::Field> field(std::string_view graph, std::string_view input,
                                                    std::string_view output,
                                                    const Settings& settings) const;

 private:
  [[nodiscard]] GraphPlan summary_of(const std::string& name, const plan::Plan& plan,
                                     const Settings& settings) const;

  program::Letters probe_;  // sizes that every graph can be recorded for
};

namespace session {

/// A device name and a dtype as the user gave them, decided.
struct Device {
  plan::Backend backend = plan::Backend::cpu;
  simd::Isa isa = simd::Isa::emu128;
  plan::Precision precision = plan::Precision::f32;
  int gpu = 0;
  device::DeviceInfo info = {};  // of the GPU
  std::string text;              // "cpu (avx512), chosen because this build has no other"

  /// What a plan is made for.
  [[nodiscard]] plan::Options options(int threads, const plan::Passes& passes, bool keep_all) const;
};

/// Throws Error::device_unavailable naming what there is, Error::usage for a dtype that is none, or
/// that the device does not have.
[[nodiscard]] Device choose_device(const std::string& name, const std::string& dtype);

/// Throws Error::usage when a name is not one of the passes that can be left out, or "winograd".
[[nodiscard]] plan::Passes passes_without(const std::vector<std::string>& names);

/// plan::make within `limit` bytes, 0 for no limit. Where a plan exceeds it, convolutions leave
/// Winograd's form, whose filters and scratch are large: those first that gain least for their bytes,
/// and no more than have to. Where all of them are direct and the plan exceeds it still,
/// Error::out_of_memory says what it needs.
[[nodiscard]] plan::Plan make_plan(const graph::Graph& graph, plan::Options options, int64_t limit);

/// Seeded values in [-1, 1), never zeros: zeros flatter kernels.
[[nodiscard]] std::vector<double> random_values(int64_t count, uint64_t seed);

[[nodiscard]] double median(std::vector<double> values);
/// What each step's output is called: its last module's path, with "#2" behind it where the module runs
/// the second time, as modules do whose weights are shared.
[[nodiscard]] std::vector<std::string> tap_names(const plan::Plan& plan,
                                                 const weights::KeyMap& keys);
/// Every input of a plan, the same values each time.
void fill_with_noise(execute::Executor& executor);
/// Throws Error::usage below one.
void require_runs(int runs);

/// The times of a run, one a step, in the order of the plan.
using StepTimes = std::vector<execute::Executor::StepTime>;
[[nodiscard]] std::string chrome_trace(const plan::Plan& plan, const StepTimes& times,
                                       const weights::KeyMap& keys);

}  // namespace session

struct Session::Impl {
  Impl(std::shared_ptr<Model::Impl> model, const SessionOptions& options);

  /// What a plan was made for.
  struct Request {
    std::string graph;
    program::Letters letters;
    program::Shapes inputs;
    session::Images images;
    Settings settings;
    std::vector<std::string> without;
    bool keep_all = false;
    friend bool operator==(const Request&, const Request&) = default;
  };

  /// The executor for a request, bound and ready; planned once while it stays in the cache.
  execute::Executor& prepare(const Request& request);
  /// Forgets the plans of a graph, and with them the packed weights that no other plan reads.
  void release(const std::string& graph);
  /// Memory of this size in place of what the buffer held.
  void renew(execute::Buffer& buffer, int64_t bytes, const std::shared_ptr<execute::Meter>& counted,
             execute::Memory kind);
  /// Until the GPU has done what it was given.
  void wait();
  /// Gives back the plans that `plan`, which is about to be packed, makes too many.
  void give_back(const plan::Plan& plan);
  /// Gives older plans back until `plan` fits max_memory beside what is left.
  void make_room(const plan::Plan& plan);
  [[nodiscard]] Tensors run(const Tensors& inputs, const RunOptions& options);
  [[nodiscard]] TaskOutput perform(Task task, const TaskInput& input);
  [[nodiscard]] Profile profile(const ProfileOptions& options);
  /// The plan for a request, made within max_memory.
  [[nodiscard]] plan::Plan plan_for(const Request& request) const;
  /// Runs with progress.
  void run(execute::Executor& executor, const std::function<void(int step)>& after_step);
  /// Throws Error::not_finite, naming the layer, where an output of the last run is not finite; warns of a
  /// constant one.
  void check(execute::Executor& executor, const plan::Port& output);
  [[nodiscard]] bool on_gpu() const { return device.backend == plan::Backend::gpu; }
  /// Of activations and states.
  [[nodiscard]] execute::Memory memory() const {
    return on_gpu() ? execute::Memory::device : execute::Memory::host;
  }
  /// Where the packed weights are: a GPU's number, or the host.
  [[nodiscard]] std::optional<int> place() const {
    return on_gpu() ? std::optional(device.gpu) : std::nullopt;
  }
  void warn(const std::string& sentence) const {
    if (options.warn) options.warn(sentence);
  }

  std::shared_ptr<Model::Impl> model;
  SessionOptions options;
  session::Device device;
  std::unique_ptr<Parallel> parallel;
  execute::Queue queue;  // of a GPU
  std::shared_ptr<execute::Meter> meter = std::make_shared<execute::Meter>();
  execute::Buffer arena;   // on the device
  execute::Buffer states;  // likewise; kept from run to run
  std::string states_key;  // whose they are
  std::shared_ptr<execute::Meter> staging_meter = std::make_shared<execute::Meter>();
  execute::Buffer staging;  // of the host, for a GPU

  struct Cached {
    Request request;
    std::unique_ptr<execute::Executor> executor;
  };
  std::list<Cached> cache;            // the most recently used first
  program::Letters letters;           // of the last raw run: for graphs whose inputs name none
  double part_from = 0, part_to = 1;  // what the next run is of the whole, for progress
  bool constant_told = false;         // of this task or run
  int64_t held_by_task = 0;           // bytes of images that max_memory counts beside the session's
  std::atomic<bool> busy = false;

  /// Bytes that plans may take; 0: no limit.
  [[nodiscard]] int64_t limit() const {
    return options.max_memory > 0 ? std::max<int64_t>(options.max_memory - held_by_task, 1) : 0;
  }

 private:
  [[nodiscard]] session::ValueCheck values_of(const execute::Executor& executor,
                                              const plan::Placed& value) const;
  /// Of an output that holds a NaN or an infinity, first at n, c, y, x.
  [[noreturn]] void explain_not_finite(execute::Executor& executor, const std::string& output,
                                       const std::array<int64_t, 4>& at);
};

}  // namespace kintsugi
