// SPDX-License-Identifier: MIT
//
// A Plan is what is left of a graph when everything has been decided: a flat list of kernel calls,
// each with its configuration and the place of every tensor in one arena. It is immutable, knows
// its memory to the byte before anything is allocated, and prints itself. Five small pure passes
// make it; each can be left out, and the result must agree.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "kernels/conv2d/cuda.h"
#include "kernels/conv_transpose2d/cuda.h"
#include "kernels/core/dtype.h"
#include "kernels/device/api.h"
#include "kernels/layer_norm/cuda.h"
#include "kernels/simd/isa.h"
#include "runtime/graph/graph.h"

namespace kintsugi::plan {

/// Which kernels run. `gpu` are the CUDA kernels, on a GPU or emulated.
enum class Backend : uint8_t { cpu, reference_f32, reference_f64, gpu };

/// How a GPU stores activations and weights, and multiplies them. Sums are f32.
enum class Precision : uint8_t {
  f32,   // exact products
  tf32,  // stored as f32, multiplied with ten bits of mantissa
  f16,
  bf16,
};
[[nodiscard]] const char* to_string(Precision precision);

/// Elements in 16 bytes, and at least four: a pixel holds whole ones, and so does a packed vector.
[[nodiscard]] constexpr int64_t granule(DType dtype) { return size_bytes(dtype) == 2 ? 8 : 4; }

/// What can be left out of planning; the result must agree. `winograd` is no pass: without it,
/// select takes the direct form of every convolution.
struct Passes {
  bool fold = true, fuse = true, select = true, layout = true, place = true;
  bool winograd = true;
};

struct Options {
  Backend backend = Backend::cpu;
  simd::Isa isa = simd::Isa::emu128;     // for Backend::cpu
  Precision precision = Precision::f32;  // for Backend::gpu; the others have one of their own
  device::DeviceInfo gpu = {};           // likewise
  int threads = 1;                       // that there is to be scratch for; decides nothing else
  Passes passes = {};
  bool keep_all = false;  // every recorded value is a value of the plan: no fold, no fuse
};

/// How a kernel is to run its op; monostate where there is nothing to choose.
using Config =
    std::variant<std::monostate, simd::Isa, conv2d::CpuConfig, conv_transpose2d::CpuConfig,
                 implicit_gemm::CudaConfig, layer_norm::CudaConfig>;

/// A tensor, records of moments or a step's scratch in the arena, alive from the step that writes it to the last that reads it.
struct Slot {
  Shape shape;  // [N, C, H, W]; of moments [N, tiles, 1, elements of a record]; scratch has none
  DType dtype = DType::f32;
  int64_t pitch = 0;  // elements from one pixel to the next
  int64_t bytes = 0;
  int64_t offset = 0;  // into the arena
  int first = 0;       // step that writes it; -1 for an input
  int last = 0;        // last step that reads it; the number of steps for inputs (so that a run can
                       // be repeated) and outputs
};

/// A constant in the order a kernel wants it: one packed copy, shared by all plans of a model.
struct Packed {
  graph::ConstantId constant;
  DType dtype = DType::f32;
  int64_t elements = 0;  // what follows the constant's own is zero
  int64_t bytes = 0;
  bool by_kernel = false;  // in the order `op` packs its weight for `config`, not as it stands
  graph::Op op;
  Config config;
  std::string identity;  // equal identities are one copy
};

/// A step's operand: a packed constant, or a slot or a part of it (graph::Part), in elements.
struct Source {
  bool is_slot = false;
  int index = 0;
  int64_t offset = 0;  // from the slot's begin
  int64_t pitch = 0;   // as Operand::pitch
};

struct PlanStep {
  graph::Op op;
  Config config;
  std::vector<int> inputs;  // slots
  std::vector<Source> operands;
  std::vector<int> weights;  // into Plan::packed
  int output = 0;            // slot
  int workspace = -1;        // slot without a shape, alive in this step alone; -1 for none
  int moments = -1;  // slot: of a convolution what it leaves, of norm what it gathers; -1 for none
  std::vector<std::string> names;  // modules computed here, the last names the output
  int64_t flops = 0;
  int64_t bytes = 0;
};

struct Port {
  std::string name;
  int slot = 0;
};

struct Plan {
  Backend backend = Backend::cpu;
  DType dtype = DType::f32;  // how activations and weights are stored
  std::vector<PlanStep> steps;
  std::vector<Slot> slots;
  std::vector<Packed> packed;
  std::vector<graph::Constant> constants;  // with their formulas, for whoever packs
  std::vector<Port> inputs, outputs;
  /// A slot without a shape, alive throughout: zeros before a run, and zeros after every step. Where
  /// blocks of a GPU share a sum they count themselves here. -1 for none.
  int tickets = -1;
  int64_t arena_bytes = 0;
  int64_t packed_bytes = 0;
  int64_t flops = 0;

  [[nodiscard]] int64_t peak_bytes() const { return checked_add(arena_bytes, packed_bytes); }
  /// Of the host, page-locked, where inputs and outputs wait for a GPU; 0 for other backends.
  [[nodiscard]] int64_t staging_bytes() const;
};

/// What a slot takes there.
[[nodiscard]] inline int64_t staged_bytes(const Slot& slot) { return round_up(slot.bytes, 256); }

/// Runs the passes. Throws Error::unsupported, naming op, desc and device, when no kernel fits.
[[nodiscard]] Plan make(graph::Graph graph, const Options& options);

// The passes. The first two rewrite the record; the others decide about it, one number a node.

/// Folds what depends on weights alone: an affine straight after a convolution goes into its
/// weights and bias.
void fold(graph::Graph& graph);
/// Appends a lone reader's steps to its producer's, and moves a pad into the convolutions it feeds.
/// Steps on the way in go only where a kernel changes what it reads as it reads it. A convolution leaves
/// the moments of what norm is asked about.
void fuse(graph::Graph& graph, const Options& options = {});
/// A configuration for every node.
[[nodiscard]] std::vector<Config> select(const graph::Graph& graph, const Options& options);
/// How activations are stored; and how each node's output is, those that stay f32 among halves too.
/// Throws Error::unsupported where a kernel would read a value as another type.
[[nodiscard]] DType storage_type(const Options& options);
[[nodiscard]] std::vector<DType> types(const graph::Graph& graph, const Options& options);
/// A pixel pitch for every node's output.
[[nodiscard]] std::vector<int64_t> layout(const graph::Graph& graph, const Options& options);
/// Offsets for all slots; returns the arena's size. Pure integers. Without `reuse` no two slots
/// share memory.
[[nodiscard]] int64_t place(std::span<Slot> slots, bool reuse);

/// Removes nodes that nothing reads, keeping order; what fold and fuse leave behind.
void sweep(graph::Graph& graph);
/// Readers of every node's output; a graph output counts as one more.
[[nodiscard]] std::vector<int> count_readers(const graph::Graph& graph);

[[nodiscard]] std::string to_string(const Config& config);
/// "1.23 GB", "300.00 kB", "840 B": powers of a thousand.
[[nodiscard]] std::string readable_bytes(int64_t bytes);
/// A module's name as the reader knows it: the checkpoint's for the one written with.
using Rename = std::function<std::string(const std::string&)>;
/// The steps as a table.
[[nodiscard]] std::string table(const Plan& plan, const Rename& rename);
/// The arena over time: one row a step, one column a slice of memory.
[[nodiscard]] std::string memory_picture(const Plan& plan, const Rename& rename, int columns = 64);

}  // namespace kintsugi::plan
