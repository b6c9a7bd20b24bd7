// SPDX-License-Identifier: MIT
//
// Kintsugi: mends pictures without a framework. This header is the whole C++ interface:
//
//   auto model   = kintsugi::Model::open("glcic.safetensors");     // maps the file, reads its header
//   auto plan    = model.plan({.height = 512, .width = 512});      // exact memory, nothing allocated
//   auto session = model.session();                                // device, threads, plans
//   auto mended  = session.inpaint(photo, mask);                   // white = hole
//
// A Model is a shared handle on weights and may be used from any thread. A Session is one
// conversation with one device, for one call at a time: a second one, from another thread or from a
// callback, throws Error::usage. Every function may throw kintsugi::Error and nothing else of ours;
// std::bad_alloc is turned into Error::out_of_memory.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/error.h"
#include "kernels/core/shape.h"
#include "kintsugi/image.hpp"
#include "kintsugi/task.hpp"
#include "kintsugi/tensor.hpp"

namespace kintsugi {

/// "0.1.0"
[[nodiscard]] KINTSUGI_API std::string version();

// ---- Devices ----------------------------------------------------------------------------------

struct DeviceInfo {
  std::string name;         ///< "cpu", "reference", "reference-f64", "cuda:0": what --device takes
  std::string description;  ///< the processor and the instruction set chosen
  bool available = false;
  std::string reason;  ///< why it is not available
  int threads = 0;
};

/// What a device measured of itself.
struct DevicePeaks {
  double gflops = 0;           ///< f32 fused multiply-adds, all threads
  double gigabytes_per_s = 0;  ///< copy, read and write counted
};

[[nodiscard]] KINTSUGI_API std::vector<DeviceInfo> devices();
/// Throws what a session on this device, in this dtype, would: Error::device_unavailable, Error::usage.
KINTSUGI_API void require_device(const std::string& device, const std::string& dtype = "f32");
/// Measures the CPU for about half a second; `threads` as in SessionOptions.
[[nodiscard]] KINTSUGI_API DevicePeaks measure_peaks(int threads = 0);

// ---- Models -----------------------------------------------------------------------------------

struct OpenOptions {
  std::string network = {};  ///< skip detection: "glcic"
};

/// One input, output or setting of a network's raw door.
struct Port {
  std::string name;
  /// "[N, 4, H, W]". The caller chooses N, H and W, each the same for all inputs; "H/8" is an eighth of it,
  /// which must come out even, "4*H" four times it; "1 or 3" is either. Of a setting: its values.
  std::string shape;
  std::string meaning;    ///< range, polarity
  bool optional = false;  ///< of an input: may be left out
};

/// One graph of a program, for Session::run.
struct GraphPorts {
  std::string name;  ///< "completion"
  std::vector<Port> inputs, outputs;
};

struct Description {
  std::string network;  ///< "glcic"
  std::string title;    ///< "GLCIC, 64 channels"
  std::string variant;  ///< key layout and arithmetic
  std::string reason;   ///< why this network was chosen
  std::string paper;
  std::vector<Task> tasks;      ///< what Session::perform can do with these weights
  std::string weights_title;    ///< from the file's metadata; may be empty
  std::string weights_license;  ///< of the weights, not of this program; empty if not stated
  std::string mask_polarity;    ///< "1 = hole"
  std::string value_range;      ///< of the raw input
  int64_t size_multiple = 1;    ///< pictures are padded to it and cropped back
  bool own_size = false;  ///< inputs have the network's own extents: PlanOptions' are not looked at
  int64_t parameters = 0;
  int64_t mapped_bytes = 0;
  std::string stored_dtype;                     ///< "f16"
  std::vector<Port> inputs, outputs, settings;  ///< ports of the first graph
  std::vector<GraphPorts> graphs;
  std::vector<std::string> unused_keys;
  std::map<std::string, std::string> metadata;
};

/// Throws Error::usage where `task` is none of the description's, as Session::perform would.
KINTSUGI_API void require_task(const Description& description, Task task);

struct PlanOptions {
  int64_t batch = 1;
  int64_t height = 256;  ///< of the network's input tensor
  int64_t width = 256;
  std::string device = "auto";  ///< as in SessionOptions
  std::string dtype = "f32";    ///< likewise
  int threads = 0;              ///< likewise; some kernels need scratch for each
  int64_t max_memory = 0;       ///< likewise; Error::out_of_memory when no plan fits
  bool keep_all = false;        ///< every named module stays a value of the plan, for verification
  /// Passes to leave out: "fold", "fuse", "select", "layout", "place"; the result must agree. And
  /// "winograd": every convolution in its direct form, a digit closer (1e-5, not 1e-4), and slower.
  std::vector<std::string> without = {};
  Settings settings = {};
  /// One of `describe().tasks`: the graphs that it replays, for an image in colour of 8 bits at the network's
  /// own size, where the task converts it in the plan; a task that scales images first runs on tensors.
  /// Empty: tensors, as Session::run has them. Error::usage for another task, or a batch of more than one.
  std::optional<Task> task = {};
};

/// Exact bytes, known before anything is allocated.
struct MemoryPlan {
  int64_t mapped = 0;      ///< weights file, mapped; its pages may be dropped
  int64_t packed = 0;      ///< weights in the kernels' order, shared by all sessions of a model
  int64_t arena = 0;       ///< activations, and the scratch of single steps in the room they leave
  int64_t persistent = 0;  ///< state that outlives a run; 0 for networks without any
  int64_t workspace = 0;   ///< scratch of single steps beside the arena; none has any so far. The
                           ///< reference devices take one layer's weights in double, uncounted
  int64_t staging = 0;     ///< page-locked memory of the host, beside all else: where inputs and
                           ///< outputs of a GPU wait; 0 for other devices
  [[nodiscard]] int64_t peak() const { return packed + arena + persistent + workspace; }
};

struct PlanStep {
  std::string name;  ///< module path in the checkpoint's own layout
  std::string op;    ///< "conv2d 3x3 256->256, dilation 4, padding 4 zero"
  std::string epilogue;
  std::string config;  ///< what the policy chose
  std::string shape;   ///< of the output
  int64_t flops = 0;
  int64_t bytes = 0;
};

/// The plan of one graph of a program.
struct GraphPlan {
  std::string name;    ///< "completion"
  int64_t arena = 0;   ///< bytes, as in MemoryPlan; the graphs of a program share the largest
  int64_t packed = 0;  ///< likewise; of weights that several graphs read, each counts them
  std::vector<PlanStep> steps;
  int64_t flops = 0;
  std::string table;  ///< the steps as text
  std::string
      picture;  ///< the arena over time as text: one row a step, one column a slice of memory
  /// How many pixels of the first input above, left, below and right of a pixel can change it in the first
  /// output; nullopt where all of the input can.
  std::optional<std::array<int64_t, 4>> field;
};

struct PlanSummary {
  std::string device;
  MemoryPlan memory;  ///< of all graphs together
  std::vector<GraphPlan> graphs;
  int64_t flops = 0;
  /// Promised relative L2 error of outputs against PyTorch in f32: 1e-5; 1e-4 where a convolution
  /// runs in Winograd's form; 1e-2 in tf32 and f16, 5e-2 in bf16.
  double tolerance = 1e-5;
};

struct ProfileOptions {
  int64_t batch = 1;
  int64_t height = 256;
  int64_t width = 256;
  std::vector<std::string> without = {};  ///< passes to leave out, as in PlanOptions
  bool keep_all = false;
  Settings settings = {};
  int runs = 11;              ///< counted, after one that is not
  bool measure_peaks = true;  ///< between the runs; copying takes buffers of 512 MB, or of what
                              ///< SessionOptions::max_memory leaves
};

struct Profile {
  struct Row {
    std::string name, op, config;
    double seconds = 0;  ///< median over the runs
    int64_t flops = 0, bytes = 0;
  };
  std::vector<Row> rows;
  double seconds = 0;  ///< median of whole runs; on a GPU between events around the graph's launch
  DevicePeaks peaks;   ///< measured in the same run; zero when not asked for, and on a GPU
};

/// Called between steps with the fraction done in [0, 1]; returning false stops the run, which then
/// throws Error::cancelled. A GPU, which replays all steps as one, asks before the first alone.
using Progress = std::function<bool(double fraction, const std::string& step)>;

struct SessionOptions {
  /// "auto", "cpu", "reference", "reference-f64", "cuda", "cuda:1"; "emulated" in its builds. "auto"
  /// is a GPU where there is one, else the CPU.
  std::string device = "auto";
  /// How a GPU stores activations and weights, and multiplies them; sums are f32. "f32": exactly;
  /// "tf32": stored as f32, multiplied on tensor cores with ten bits of mantissa; "f16"; "bf16". The
  /// other devices have "f32" alone.
  std::string dtype = "f32";
  int threads = 0;  ///< 0: one for each processor this process may use
  /// Bytes for packed weights, arena and workspace; 0 = no limit. Where a plan exceeds it,
  /// convolutions leave Winograd's form, those first that gain least for their memory, until the plan
  /// fits; and plans that were made before are given back, the least recently used first, before a
  /// new one is refused.
  int64_t max_memory = 0;
  Progress progress = {};
  /// Told, in one sentence, what is worth a person's eye but no error: an empty mask, a constant
  /// output. Ignored when empty.
  std::function<void(const std::string& sentence)> warn = {};
  /// Fill memory with NaN wherever nothing alive stands, so that a wrong plan cannot pass. Slower.
  bool check_memory = false;
};

struct RunOptions {
  std::string graph = {};  ///< of `Description::graphs`; empty: the first
  Settings settings = {};
  bool taps = false;                      ///< also return the plan's values as "tap/<module path>"
  bool keep_all = false;                  ///< plan so that every module's output is such a value
  std::vector<std::string> without = {};  ///< passes to leave out, as in PlanOptions
};

class Session;

class KINTSUGI_API Model {
 public:
  /// Maps the file and reads its header; allocates nothing for weights. Never executes anything.
  [[nodiscard]] static Model open(const std::filesystem::path& file,
                                  const OpenOptions& options = {});

  [[nodiscard]] const Description& describe() const;
  [[nodiscard]] PlanSummary plan(const PlanOptions& options = {}) const;
  [[nodiscard]] Session session(const SessionOptions& options = {}) const;

  struct Impl;
  explicit Model(std::shared_ptr<Impl> impl);

 private:
  std::shared_ptr<Impl> impl_;
};

class KINTSUGI_API Session {
 public:
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// The raw door: tensors in and out exactly as the PyTorch module takes and gives them.
  [[nodiscard]] Tensors run(const Tensors& inputs, const RunOptions& options = {});

  /// Fills the holes of a picture. `mask` has the picture's size; white = hole. The result has the
  /// picture's size, channels and bits; pixels outside the hole are copied bit for bit. Views carry
  /// no metadata: who writes the result hands over that of the picture.
  [[nodiscard]] Image inpaint(const ImageView& picture, const ImageView& mask,
                              const InpaintOptions& options = {});

  /// Takes a picture to the domain that the weights were trained for. The result has the picture's
  /// size and bits, in RGB, with its alpha where it has one. Throws Error::usage for a network that
  /// does not translate, Error::mismatch for a picture too small to be reflected at its borders.
  [[nodiscard]] Image translate(const ImageView& picture, const TranslateOptions& options = {});

  /// How plausible a picture is to a discriminator. GLCIC's: P(`picture` is real), in [0, 1]; `mask`
  /// says what was filled, as for inpaint. CycleGAN's: the mean over its patches, trained towards 1 for
  /// real pictures and 0 for made ones, not bounded; an empty mask, `{}`, will do. Not comparable
  /// between sets of weights.
  [[nodiscard]] double score(const ImageView& picture, const ImageView& mask,
                             const ScoreOptions& options = {});

  /// Makes an image larger, by the factor of the weights. The result has the image's bits and channels.
  [[nodiscard]] Image upscale(const ImageView& image, const UpscaleOptions& options = {});

  /// Finds what is wrong in an image: a score of the whole ("score"), a map of it ("heatmap") and boxes.
  [[nodiscard]] TaskOutput detect(const ImageView& image, const DetectOptions& options = {});

  /// Any task of `Description::tasks` by name; the functions above are this with fewer words. Throws
  /// Error::usage for a task that the weights are not for, or that lacks its image or mask.
  [[nodiscard]] TaskOutput perform(Task task, const TaskInput& input);

  /// Time per step, the median of replays on random inputs.
  [[nodiscard]] Profile profile(const ProfileOptions& options = {});

  /// The last complete run that timed its steps, as Chrome trace events (JSON), one a step, named by
  /// state-dict key. On a GPU only profile times them; without one there are no events.
  [[nodiscard]] std::string trace() const;

  /// "cpu (avx512, 2 threads)": what runs, and why when it was chosen automatically.
  [[nodiscard]] const std::string& device() const;
  /// Bytes our allocator holds now, and the most it held, the packed weights of all the model's
  /// sessions included. After runs of one plan in one session: what plan() said. Further plans share
  /// the arena and every weight whose packing agrees.
  [[nodiscard]] int64_t allocated_bytes() const;
  [[nodiscard]] int64_t peak_allocated_bytes() const;

  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// ---- Single ops -------------------------------------------------------------------------------

struct OpBenchOptions {
  std::string op = "conv2d";    ///< a folder of kernels/, such as "norm" or "resample"
  Shape input = {};             ///< [N, C, H, W]
  Settings settings = {};       ///< "k", "kernel", "stride", "dilation", "padding", "mode", ...
  std::string device = "auto";  ///< as in SessionOptions
  std::string dtype = "f32";    ///< likewise
  int threads = 0;              ///< likewise
  int runs = 11;
};

struct OpBench {
  std::string op, config, device;
  int64_t flops = 0, bytes = 0;
  std::vector<double> seconds;  ///< one a run; on a GPU between events around the launch
  DevicePeaks peaks;            ///< measured between the runs; zero on a GPU
};

/// Runs one op alone on random data. Unknown ops and settings are usage errors that list the valid.
[[nodiscard]] KINTSUGI_API OpBench bench_op(const OpBenchOptions& options);

}  // namespace kintsugi
