// SPDX-License-Identifier: MIT
//
// What stands behind the public Model and Session. This folder is where all rooms meet: it opens
// files, asks the registry, plans, and lets executors run. Model::Impl is shared by sessions and
// immutable but for its store, which locks; Session::Impl belongs to one thread at a time.
#pragma once

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
#include "runtime/weights/weights.h"

namespace kintsugi {

struct Model::Impl {
  weights::Weights weights;
  networks::Opened opened;
  execute::PackedStore store;

  Impl(const std::filesystem::path& file, const OpenOptions& options);
  [[nodiscard]] PlanSummary plan(const PlanOptions& options) const;
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
    networks::Shapes inputs;
    session::Images images;
    Settings settings;
    std::vector<std::string> without;
    bool keep_all = false;
    friend bool operator==(const Request&, const Request&) = default;
  };

  /// The executor for a request, bound and ready; planned once while it stays in the cache.
  execute::Executor& prepare(const Request& request);
  /// Gives older plans back until `plan` fits max_memory beside what is left.
  void make_room(const plan::Plan& plan);
  [[nodiscard]] Tensors run(const Tensors& inputs, const RunOptions& options);
  [[nodiscard]] Image inpaint(const ImageView& picture, const ImageView& mask,
                              const InpaintOptions& options);
  [[nodiscard]] Image translate(const ImageView& picture, const TranslateOptions& options);
  [[nodiscard]] double score(const ImageView& picture, const ImageView& mask,
                             const ScoreOptions& options);
  [[nodiscard]] Profile profile(const ProfileOptions& options);
  /// How a network's task reaches its plans.
  [[nodiscard]] networks::Replay replay(const Settings& settings);
  /// Runs with progress; afterwards every output is finite, or Error::not_finite names the layer.
  void run(execute::Executor& executor, const std::function<void(int step)>& after_step);
  [[nodiscard]] bool on_gpu() const { return device.backend == plan::Backend::gpu; }
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
  device::Handle<device::Stream> stream;  // of a GPU
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
  std::list<Cached> cache;  // the most recently used first

 private:
  /// Of an output that holds a NaN or an infinity, first at n, c, y, x.
  [[noreturn]] void explain_not_finite(execute::Executor& executor, const std::string& output,
                                       const std::array<int64_t, 4>& at);
};

}  // namespace kintsugi
