// SPDX-License-Identifier: MIT
//
// The contract that every op answers: how many values it reads and makes, of which shapes and types,
// what it costs, which of its neighbours it can absorb, which configuration it runs with and how it is
// called. An op is a struct of static functions (kernels/<op>/contract.h) that satisfies the concept Op;
// one that lacks a function, or whose signature drifts, does not compile. What an op lacks it inherits by
// name from the structs below, so that nothing is left out by accident.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/contract/fields.h"
#include "kernels/contract/target.h"
#include "kernels/core/call.h"
#include "kernels/core/pack_rows.h"
#include "kernels/core/padding.h"
#include "kernels/core/shape.h"
#include "kernels/core/steps.h"
#include "kernels/device/traffic.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {

using Shapes = std::vector<Shape>;
using ShapeSpan = std::span<const Shape>;

struct Cost {
  int64_t flops = 0;
  int64_t bytes = 0;  // that must move at least once, operands of steps left out
};

/// What a call needs beside its values.
struct Needs {
  int64_t workspace = 0;  // bytes, of this call alone, for all threads together
  int64_t tickets = 0;    // bytes, zeros before and after the call: calls of one stream share them
};

/// How an input is read, and an output made. A kernel runs in the storage type of the plan, or in f32
/// where all that it reads is exact; then what it makes is exact too.
enum class Stored : uint8_t {
  as_kernel,  // in the type that the kernel runs in
  exact,      // f32 whatever the kernel's type: a mask, a ratio, a statistic
  any,        // inputs alone: as it comes; of a conversion
  storage,    // outputs alone: in the plan's storage type, whatever the kernel's; of a conversion
  moments,    // outputs alone: records of kernels/core/moments.h, as many as moment_tiles() says
  samples8,   // samples of an image or a mask, u8; pixels without gaps
  samples16,  // likewise u16
};
/// How samples of so many bits are stored.
[[nodiscard]] constexpr Stored samples_of(int bits) {
  return bits == 8 ? Stored::samples8 : Stored::samples16;
}
/// Their type; empty where `stored` is not samples.
[[nodiscard]] constexpr std::optional<DType> sample_type(Stored stored) {
  if (stored == Stored::samples8) return DType::u8;
  if (stored == Stored::samples16) return DType::u16;
  return {};
}

/// Where an output's channels come from, for ops that only move whole channels: what the planner may
/// do by placing values, without a call.
struct Arrangement {
  enum class Kind : uint8_t { computed, joined, sliced } kind = Kind::computed;
  int64_t first_channel = 0;  // of the input, for sliced
};

/// The input pixels that an output pixel reads, on either axis: with t in [0, kernel), output pixel i reads
///
///   input pixel   i * stride + t * dilation - padding
///   transposed:   each j with   j * stride + t * dilation - padding == i
///
/// The padding may be negative.
struct Window {
  Pair kernel = 1, stride = 1, dilation = 1, padding = 0;
  bool transposed = false;  // the stride then makes pixels instead of skipping them
  bool reflects = false;    // whether the padding mirrors the image
  friend bool operator==(const Window&, const Window&) = default;
};
/// Without a value where the op reads the whole image, or pixels that no window describes.
using Reach = std::optional<Window>;

using device::Traffic;

// ---- What the planner would have an op absorb.

/// A step behind what it computes.
struct AppendStep {
  Step step;
};
/// Changes to what it reads, before those that it makes already; `input` is what it would read then.
struct PrependPrologue {
  Prologue prologue;
  Shape input;
};
/// A border around what it reads.
struct PadInput {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  PaddingMode mode = PaddingMode::zero;
};
/// Moments of its first output as one output more.
struct LeaveMoments {};
/// Moments of an image in the place of the image.
struct ReadMoments {
  Shape image;
};
using Edit = std::variant<AppendStep, PrependPrologue, PadInput, LeaveMoments, ReadMoments>;

/// Whether a weight is a vector: of rank 1, exact values, a number for each channel, handed over in whole
/// granules. All others are filters, in the kernel's type: an op has one at most, as weight 0, in the order
/// of `packing` or as PyTorch stores it where there is none.
[[nodiscard]] inline bool is_vector(const Shape& weight) { return weight.rank() == 1; }

/// Filters in the order a kernel wants them.
struct Packing {
  int64_t elements = 0;
  std::string order;  // equal orders of equal weights share a copy
};

template <class O>
concept Op = requires(const typename O::Desc& desc, typename O::Desc& changed,
                      const typename O::Config& config, ShapeSpan inputs, const Target& target,
                      const Call& call, Parallel& parallel, const Edit& edit, Fields& fields,
                      const Rows& rows, std::span<const float> weight, const AnyView& packed,
                      int i) {
  requires std::equality_comparable<typename O::Desc>;
  { O::kName } -> std::convertible_to<std::string_view>;
  // Shapes and cost.
  { O::inputs(desc) } -> std::same_as<int>;                    // how many; -1 for one or more
  { O::weights(desc, inputs) } -> std::same_as<Shapes>;        // as PyTorch stores them (is_vector)
  { O::outputs(desc, inputs) } -> std::same_as<Shapes>;        // throws Error::mismatch
  { O::cost(desc, inputs, int64_t{}) } -> std::same_as<Cost>;  // of elements of so many bytes
  // Of each input, and of each output that has the extent of the first.
  { O::reach(desc, inputs) } -> std::same_as<Reach>;
  { O::reads(desc, i) } -> std::same_as<Stored>;
  { O::makes(desc, i) } -> std::same_as<Stored>;
  { O::arrangement(desc) } -> std::same_as<Arrangement>;
  {
    O::in_place(desc)
    } -> std::same_as<bool>;  // the first output may stand where the first input does
  { O::describe(desc) } -> std::same_as<std::string>;
  // Fusion.
  { O::steps(changed) } -> std::same_as<Steps*>;        // behind what it computes; null without
  { O::prologue(changed) } -> std::same_as<Prologue*>;  // likewise
  {
    O::absorb(changed, edit, target)
    } -> std::same_as<bool>;  // false, and nothing changed, where not
  {
    O::unfused(desc)
    } -> std::same_as<typename O::Desc>;  // without what does not touch its weights
  // Configuration.
  { O::choose(desc, inputs, target) } -> std::same_as<typename O::Config>;  // of one batch item
  { O::describe(config) } -> std::same_as<std::string>;
  { O::loses_a_digit(config) } -> std::same_as<bool>;  // an error of 1e-5 in f32, not 1e-6
  { O::needs(desc, config, inputs, target) } -> std::same_as<Needs>;
  { O::moment_tiles(desc, config, inputs) } -> std::same_as<int64_t>;  // of one batch item
  { O::packing(desc, config, target) } -> std::same_as<std::optional<Packing>>;  // of its filters
  // Of weight 0 some rows of its first axis, as floats, into zeros; other rows at the same time.
  { O::pack(desc, config, rows, weight, packed) } -> std::same_as<void>;
  // Of the CUDA kernel: what a call moves, to the byte, operands of steps included.
  { O::traffic(desc, config, inputs, target) } -> std::same_as<Traffic>;
  // Kernels. `cuda` stands in cuda.cu, where the folder has one.
  { O::reference(desc, call, parallel) } -> std::same_as<void>;
  { O::cpu(desc, config, call, parallel) } -> std::same_as<void>;
  // `kintsugi bench --op` and benchmarks/: the description of a layer on `inputs`.
  { O::read(inputs, fields) } -> std::same_as<typename O::Desc>;
};

// ---- What the rest of an op's folder answers.

/// The functions of an op's namespace whose names its contract has too: inside the struct those of the
/// contract would hide them. They are found by the type of the description.
namespace beside {

template <class Desc>
void run_reference(const Desc& desc, const Call& call, Parallel& parallel) {
  with_reference_type(call.dtype,
                      [&]<class T>(T) { reference(desc, bind<T>(desc, call), parallel); });
}
/// With a configuration where its kernel takes one.
template <class Desc, class... Config>
void run_cpu(const Desc& desc, const Call& call, Parallel& parallel, const Config&... config) {
  cpu(desc, config..., bind<float>(desc, call), parallel);
}

}  // namespace beside

/// Answers by <op>.h: output_shape, flops and bytes of the first input, to_string, reference; and by
/// `bind`.
template <class D>
struct FromHeader {
  using Desc = D;
  static Shapes outputs(const Desc& desc, ShapeSpan inputs) {
    return {output_shape(desc, inputs[0])};
  }
  static Cost cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes) {
    return {flops(desc, inputs[0]), bytes(desc, inputs[0], element_bytes)};
  }
  static std::string describe(const Desc& desc) { return to_string(desc); }
  static void reference(const Desc& desc, const Call& call, Parallel& parallel) {
    beside::run_reference(desc, call, parallel);
  }
};

// ---- What an op may lack.

/// Reads one image, makes one value of the kernel's type as exact as its sums, has no weights.
struct OneToOne {
  template <class Desc>
  static int inputs(const Desc&) {
    return 1;
  }
  template <class Desc>
  static Shapes weights(const Desc&, ShapeSpan) {
    return {};
  }
  template <class Desc>
  static Stored reads(const Desc&, int) {
    return Stored::as_kernel;
  }
  template <class Desc>
  static Stored makes(const Desc&, int) {
    return Stored::as_kernel;
  }
  template <class Desc>
  static Arrangement arrangement(const Desc&) {
    return {};
  }
  template <class Desc>
  static bool in_place(const Desc&) {
    return false;
  }
  template <class Config>
  static bool loses_a_digit(const Config&) {
    return false;
  }
};

/// Absorbs nothing and applies no steps.
struct NotFusible {
  template <class Desc>
  static Steps* steps(Desc&) {
    return nullptr;
  }
  template <class Desc>
  static Prologue* prologue(Desc&) {
    return nullptr;
  }
  template <class Desc>
  static bool absorb(Desc&, const Edit&, const Target&) {
    return false;
  }
  template <class Desc>
  static Desc unfused(const Desc& desc) {
    return desc;
  }
  template <class Desc, class Config>
  static int64_t moment_tiles(const Desc&, const Config&, ShapeSpan) {
    return 0;
  }
};

/// No weight that a kernel wants in an order of its own.
struct NoFilters {
  template <class Desc, class Config>
  static std::optional<Packing> packing(const Desc&, const Config&, const Target&) {
    return {};
  }
  template <class Desc, class Config>
  static void pack(const Desc&, const Config&, const Rows&, std::span<const float>,
                   const AnyView&) {
    throw Error(ErrorCode::internal, "an op without filters packs none");
  }
};

/// Nothing beside its values.
struct NoScratch {
  template <class Desc, class Config>
  static Needs needs(const Desc&, const Config&, ShapeSpan, const Target&) {
    return {};
  }
};

/// No CUDA kernel.
struct NoCudaKernel {
  template <class Desc, class Config>
  static Traffic traffic(const Desc&, const Config&, ShapeSpan, const Target&) {
    return {};
  }
};

/// Nothing to choose but the CPU's instruction set, which `cpu` is called with; without one for other
/// kernels.
struct VectorConfig {
  std::optional<simd::Isa> isa;
};
struct ChoosesIsa {
  using Config = VectorConfig;
  template <class Desc>
  static Config choose(const Desc&, ShapeSpan, const Target& target) {
    if (target.kernels != KernelSet::cpu) return {};
    return {target.tuned ? target.isa : simd::available().front()};
  }
  static std::string describe(const Config& config) {
    return config.isa ? simd::to_string(*config.isa) : "-";
  }
  template <class Desc>
  static void cpu(const Desc& desc, const Config& config, const Call& call, Parallel& parallel) {
    beside::run_cpu(desc, call, parallel, config.isa.value());
  }
};

/// Nothing to choose at all.
struct ChoosesNothing {
  using Config = std::monostate;
  template <class Desc>
  static Config choose(const Desc&, ShapeSpan, const Target&) {
    return {};
  }
  static std::string describe(const Config&) { return "-"; }
  template <class Desc>
  static void cpu(const Desc& desc, const Config&, const Call& call, Parallel& parallel) {
    beside::run_cpu(desc, call, parallel);
  }
};

}  // namespace kintsugi
