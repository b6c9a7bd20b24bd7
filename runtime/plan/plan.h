// SPDX-License-Identifier: MIT
//
// A Plan is what is left of a graph when everything has been decided: a flat list of kernel calls,
// each with its configuration and the place of every tensor. It is immutable, knows its memory to the
// byte before anything is allocated, and prints itself. Small pure passes make it; those of Passes can
// be left out, and the result must agree.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "kernels/core/dtype.h"
#include "kernels/device/api.h"
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
  int threads = 1;                       // to hold scratch for; decides nothing else
  Passes passes = {};
  bool keep_all = false;  // every recorded value is computed by a step of its own: no fold, no fuse
  /// Constants, by their names in Plan::constants: a convolution whose filters are one of them takes its
  /// direct form, as all do without Passes::winograd.
  std::set<std::string> direct = {};
};

/// Memory for a value or for several side by side in their channels, or for a step's scratch; alive
/// from the step that writes it first to the last that reads it.
struct Slot {
  DType dtype = DType::f32;
  int64_t pitch = 0;  // elements from one pixel to the next; 0 for scratch
  int64_t bytes = 0;
  int64_t offset = 0;  // into the arena, or into the states
  int first = 0;       // step that writes it; -1 for an input
  int last = 0;        // last step that reads it; the number of steps for inputs (so that a run can
                       // be repeated) and outputs
  bool state = false;  // in the memory of states, not in the arena
};

/// Where a value stands: channels of a slot.
struct Region {
  int slot = -1;
  int64_t channel = 0;  // of the slot, where the value's first channel stands
  friend bool operator==(const Region&, const Region&) = default;
};
struct Placed {
  Region region;
  Shape shape;  // [N, C, H, W]
};

/// A constant in the order a kernel wants it: one packed copy, shared by all plans of a model.
struct Packed {
  graph::ConstantId constant;
  DType dtype = DType::f32;
  int64_t elements = 0;  // what follows the constant's own is zero
  int64_t bytes = 0;
  bool by_kernel = false;  // in the order `work` packs its filters, not as it stands
  Work work;
  std::string identity;  // equal identities are one copy
};

/// A step's operand: an entry of Plan::packed, or a value.
using Source = std::variant<int, Placed>;

struct PlanStep {
  Work work;
  DType dtype = DType::f32;  // that the kernel computes in
  std::vector<Placed> inputs, outputs;
  std::vector<Source> operands;
  std::vector<int> weights;        // into Plan::packed
  int workspace = -1;              // slot, alive in this step alone; -1 for none
  std::vector<std::string> names;  // modules computed here, the last names the outputs
  int64_t flops = 0;
  int64_t bytes = 0;
};

struct Port {
  std::string name;
  Placed value;
};

/// An entry of a state, its own slot.
struct StateEntry {
  std::string name;
  int64_t entry = 0;
  Placed value;
};

struct Plan {
  Backend backend = Backend::cpu;
  DType dtype = DType::f32;  // how activations and weights are stored
  std::vector<PlanStep> steps;
  std::vector<Slot> slots;
  std::vector<Packed> packed;
  std::vector<graph::Constant> constants;  // with their formulas, for whoever packs
  std::vector<Port> inputs, outputs;
  std::vector<StateEntry> states;  // every entry of every declared state, in order
  /// A slot alive throughout: zeros before a run, and zeros after every step. Where blocks of a GPU
  /// share a sum they count themselves here. -1 for none.
  int tickets = -1;
  int64_t arena_bytes = 0;
  int64_t state_bytes = 0;  // outlive a run; equal for all graphs with the same states
  int64_t packed_bytes = 0;
  int64_t flops = 0;

  [[nodiscard]] int64_t peak_bytes() const {
    return checked_add(checked_add(arena_bytes, state_bytes), packed_bytes);
  }
  /// Of the host, page-locked, where inputs and outputs wait for a GPU; 0 for other backends.
  [[nodiscard]] int64_t staging_bytes() const;
  [[nodiscard]] const Slot& slot(const Placed& placed) const {
    return slots[static_cast<size_t>(placed.region.slot)];
  }
};

/// Bytes of page-locked memory that a slot takes.
[[nodiscard]] inline int64_t staged_bytes(const Slot& slot) { return round_up(slot.bytes, 256); }

/// Names, shapes and storage of all states: plans with equal keys can share their memory.
[[nodiscard]] std::string states_key(const Plan& plan);

/// Runs the passes. Throws Error::unsupported, naming op, desc and device, when no kernel fits.
[[nodiscard]] Plan make(graph::Graph graph, const Options& options);

// The passes. All but the last two rewrite the record.

/// Folds what depends on weights alone: an affine straight after a convolution goes into its
/// weights and bias.
void fold(graph::Graph& graph);
/// Appends a lone reader's steps to its producer's, moves what stands before convolutions into how they
/// read, and lets a convolution leave the moments that a norm is made of, each where the op absorbs it.
void fuse(graph::Graph& graph, const Options& options = {});
/// How activations are stored.
[[nodiscard]] DType storage_type(const Options& options);
/// The type of every value and of every node's arithmetic; where types meet, a conversion is inserted.
void types(graph::Graph& graph, const Options& options);
/// What an op is planned for whose arithmetic is in `dtype`.
[[nodiscard]] Target target_of(const Options& options, DType dtype);
/// The same for a node of `graph`, which Options::direct may name.
[[nodiscard]] Target target_of(const Options& options, DType dtype, const graph::Graph& graph,
                               const graph::Node& node);
/// A configuration for every node; those of inputs are empty. Shapes of moments are known from here on.
[[nodiscard]] std::vector<Work> select(graph::Graph& graph, const Options& options);

/// Which values stand in one slot: channels of a wider one, or an entry of a state.
struct Arranged {
  struct Shared {
    Shape shape;
    DType dtype = DType::f32;
    bool state = false;
  };
  std::vector<Shared> shared;  // the entries of states first, in order
  std::vector<std::vector<Region>>
      regions;               // by node and output; `slot` is into `shared`, -1: alone
  std::vector<bool> called;  // by node; false where all that it does is to name channels of others
};
/// Decides it, inserting copies where a value cannot be computed where it is needed.
[[nodiscard]] Arranged arrange(graph::Graph& graph, const Options& options);

/// The slot of every value, with its pitch and size; lifetimes and offsets are open.
struct Layout {
  std::vector<Slot> slots;                   // those of `shared` first
  std::vector<std::vector<Region>> regions;  // by node and output
  int64_t state_bytes = 0;
};
[[nodiscard]] Layout layout(const graph::Graph& graph, const Arranged& arranged,
                            const Options& options);

/// Offsets for all slots of the arena; returns its size. Pure integers. Without `reuse` no two slots
/// share memory.
[[nodiscard]] int64_t place(std::span<Slot> slots, bool reuse);

/// Removes nodes that nothing reads, keeping order; what fold and fuse leave behind.
void sweep(graph::Graph& graph);

/// A module's name as the reader knows it: the checkpoint's for the one written with.
using Rename = std::function<std::string(const std::string&)>;
/// The steps as a table.
[[nodiscard]] std::string table(const Plan& plan, const Rename& rename);
/// The arena over time: one row a step, one column a slice of memory.
[[nodiscard]] std::string memory_picture(const Plan& plan, const Rename& rename, int columns = 64);

}  // namespace kintsugi::plan
