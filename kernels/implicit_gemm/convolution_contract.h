// SPDX-License-Identifier: MIT
//
// The contract of a convolution (kernels/contract/op.h), as far as conv2d and conv_transpose2d give
// the same answers. An op derives from ConvolutionContract and states what differs: its reach, its
// policy for the CPU, which prologues pay, its settings. The rest follows from the functions of the op's
// own namespace, found by the type of its description.
#pragma once

#include "kernels/contract/op.h"
#include "kernels/implicit_gemm/args.h"
#include "kernels/implicit_gemm/config.h"

namespace kintsugi::implicit_gemm {

/// The arguments that the kernels take from a Call.
template <class T, class Desc>
[[nodiscard]] Args<T> bind(const Desc& desc, const Call& call) {
  Args<T> args{.input = call.inputs[0].as<const T>(),
               .weight = call.weights[0].packed<T>(),
               .operands = bind_operands<T>(desc.prologue.steps, desc.epilogue, call.operands),
               .output = call.outputs[0].as<T>(),
               .workspace = call.workspace,
               .tickets = call.tickets};
  if (desc.moments) args.moments = moments_of(call.outputs[1]);
  return args;
}

// As in kernels/contract/op.h.
namespace beside {

template <class Desc, class Config>
int64_t count_moment_tiles(const Desc& desc, const Config& config, const Shape& input) {
  return moment_tiles(desc, config, input);
}
template <class Desc, class Config>
std::string name_packing(const Desc& desc, const Config& config) {
  return packing(desc, config);
}
template <class T, class Desc, class Config>
void run_pack(const Desc& desc, const Config& config, const Rows& rows,
              std::span<const float> weight, const AnyView& to) {
  const std::span<const T> packed = to.packed<T>();
  pack(desc, config, rows, weight, std::span(const_cast<T*>(packed.data()), packed.size()));
}
template <class Desc>
Traffic count_traffic(const Desc& desc, const CudaConfig& config, const Shape& input,
                      int64_t element_bytes) {
  return traffic(desc, config, input, element_bytes);
}

}  // namespace beside

/// `O` is the op, and states
///
///     static Cpu choose_cpu(const D&, const Shape& input, const Target&);  // with selection
///     static bool pays(const D&, const PrependPrologue&, const Target&);   // of one it understands
template <class O, class D, class Cpu>
struct ConvolutionContract : OneToOne, FromHeader<D> {
  using Desc = D;
  using Config = std::variant<std::monostate, Cpu, CudaConfig>;

  static Shapes weights(const Desc& desc, ShapeSpan) { return {desc.weight_shape()}; }

  // How many moments there are depends on the configuration: here they count as one value a channel.
  static Shapes outputs(const Desc& desc, ShapeSpan inputs) {
    Shapes shapes{output_shape(desc, inputs[0])};
    if (desc.moments) shapes.push_back({shapes[0].n(), shapes[0].c(), 1, 1});
    return shapes;
  }
  static Stored makes(const Desc&, int output) {
    return output == 0 ? Stored::as_kernel : Stored::moments;
  }

  static Steps* steps(Desc& desc) { return &desc.epilogue; }
  static Prologue* prologue(Desc& desc) { return &desc.prologue; }
  static bool absorb(Desc& desc, const Edit& edit, const Target& target) {
    if (const auto* behind = std::get_if<AppendStep>(&edit)) {
      if (!accepts(desc, behind->step)) return false;
      desc.epilogue.append(behind->step);
      return true;
    }
    if (const auto* before = std::get_if<PrependPrologue>(&edit)) {
      if (!accepts(desc, before->prologue) || !O::pays(desc, *before, target)) return false;
      desc.prologue = joined(before->prologue, desc.prologue);
      return true;
    }
    if (std::holds_alternative<LeaveMoments>(edit)) {
      if (target.kernels == KernelSet::reference || !accepts_moments(desc)) return false;
      desc.moments = true;
      return true;
    }
    return false;
  }
  // Packing ignores the prologue and moments.
  static Desc unfused(const Desc& desc) {
    Desc bare = desc;
    bare.prologue = {};
    bare.moments = false;
    return bare;
  }

  static Config choose(const Desc& desc, ShapeSpan inputs, const Target& target) {
    switch (target.kernels) {
      case KernelSet::reference: return {};
      case KernelSet::cpu:
        if (!target.tuned) return Cpu{.isa = simd::available().front()};
        return O::choose_cpu(desc, inputs[0], target);
      case KernelSet::cuda: {
        const FloatMath math = target.tf32 ? FloatMath::tf32 : FloatMath::exact;
        CudaConfig config = choose_cuda(desc, inputs[0], target.element_bytes(), math, target.gpu);
        if (!target.tuned) config.splits = 1;
        return config;
      }
    }
    return {};
  }
  using FromHeader<D>::describe;
  static std::string describe(const Config& config) {
    if (const auto* cpu = std::get_if<Cpu>(&config)) return to_string(*cpu);
    if (const auto* cuda = std::get_if<CudaConfig>(&config)) return to_string(*cuda);
    return "-";
  }
  static Needs needs(const Desc& desc, const Config& config, ShapeSpan inputs,
                     const Target& target) {
    if (const auto* cpu = std::get_if<Cpu>(&config)) {
      return {.workspace =
                  checked_multiply(4, workspace_elements(desc, *cpu, inputs[0], target.threads))};
    }
    if (const auto* cuda = std::get_if<CudaConfig>(&config)) {
      const Scratch found = scratch(desc, *cuda, inputs[0]);
      return {.workspace = found.partial_bytes, .tickets = found.ticket_bytes};
    }
    return {};
  }
  static int64_t moment_tiles(const Desc& desc, const Config& config, ShapeSpan inputs) {
    if (!desc.moments) return 0;
    if (const auto* cpu = std::get_if<Cpu>(&config)) {
      return beside::count_moment_tiles(desc, *cpu, inputs[0]);
    }
    return beside::count_moment_tiles(desc, std::get<CudaConfig>(config), inputs[0]);
  }
  static std::optional<Packing> packing(const Desc& desc, const Config& config,
                                        const Target& target) {
    if (const auto* cpu = std::get_if<Cpu>(&config)) {
      return Packing{packed_elements(desc, *cpu), beside::name_packing(desc, *cpu)};
    }
    if (const auto* cuda = std::get_if<CudaConfig>(&config)) {
      return Packing{packed_elements(desc, *cuda, target.element_bytes()),
                     implicit_gemm::packing(*cuda)};
    }
    return {};
  }
  static void pack(const Desc& desc, const Config& config, const Rows& rows,
                   std::span<const float> weight, const AnyView& packed) {
    if (const auto* cpu = std::get_if<Cpu>(&config)) {
      return beside::run_pack<float>(desc, *cpu, rows, weight, packed);
    }
    with_cuda_type(packed.dtype, [&]<class T>(T) {
      beside::run_pack<T>(desc, std::get<CudaConfig>(config), rows, weight, packed);
    });
  }

  static Traffic traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                         const Target& target) {
    return beside::count_traffic(desc, std::get<CudaConfig>(config), inputs[0],
                                 target.element_bytes());
  }
  static void cpu(const Desc& desc, const Config& config, const Call& call, Parallel& parallel) {
    kintsugi::beside::run_cpu(desc, call, parallel, std::get<Cpu>(config));
  }
};

/// What a convolution of a network has around it, as settings: a norm that was not applied to the input
/// yet (norm=on), moments of the output (moments=on), a channel bias, then an activation (act=) or a
/// gate (gate=on), which takes twice the filters.
template <class Desc>
void read_fused(Desc& desc, Fields& fields) {
  if (fields.is_on("norm")) {
    desc.prologue.steps = {step::affine(Extent::sample_channel), step::activate(Function::relu)};
  }
  desc.moments = fields.is_on("moments");
  desc.epilogue = {step::add(Extent::channel)};
  const Function function = fields.function("act");
  if (fields.is_on("gate")) {
    desc.out_channels = checked_multiply(2, desc.out_channels);
    desc.epilogue.append(step::gate(function, Function::sigmoid, kLayerSlope));
  } else {
    for (const Step& step : activation(function)) desc.epilogue.append(step);
  }
  if (desc.moments && !accepts_moments(desc)) {
    throw Error(ErrorCode::usage, "what was gated leaves no moments: moments=on or gate=on");
  }
}

}  // namespace kintsugi::implicit_gemm
