// SPDX-License-Identifier: MIT
#include "kernels/conv2d/contract.h"

#include "kernels/contract/fused.h"
#include "kernels/contract/table.h"

namespace kintsugi::conv2d {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Shapes Op::weights(const Desc& desc, ShapeSpan) { return {desc.weight_shape()}; }

// How many moments there are is the configuration's affair: they count as one value a channel here.
Shapes Op::outputs(const Desc& desc, ShapeSpan inputs) {
  Shapes shapes{output_shape(desc, inputs[0])};
  if (desc.moments) shapes.push_back({shapes[0].n(), shapes[0].c(), 1, 1});
  return shapes;
}

Cost Op::cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes) {
  return {flops(desc, inputs[0]), bytes(desc, inputs[0], element_bytes)};
}

Reach Op::reach(const Desc& desc) {
  return Window{desc.kernel, desc.stride, desc.dilation, desc.padding};
}

std::string Op::describe(const Desc& desc) { return to_string(desc); }

Stored Op::makes(const Desc&, int output) {
  return output == 0 ? Stored::as_kernel : Stored::moments;
}

namespace {

/// Where a prologue's steps save a pass over the image. The CUDA kernels would apply them again for
/// each tap: beyond 1x1 that costs more instructions than the products (README.md). Of the CPU's
/// forms Winograd's changes what it transforms; the others would read a changed copy, and so would the
/// reference.
bool changes_what_it_reads(const Desc& desc, const Shape& input, const Target& target) {
  switch (target.kernels) {
    case KernelSet::reference: return false;
    case KernelSet::cuda: return desc.kernel == Pair(1);
    case KernelSet::cpu:
      return target.tuned &&
             conv2d::choose(desc, {1, input.c(), input.h(), input.w()}, target.isa, target.winograd)
                     .algorithm == Algorithm::winograd;
  }
  return false;
}

}  // namespace

bool Op::absorb(Desc& desc, const Edit& edit, const Target& target) {
  if (const auto* behind = std::get_if<AppendStep>(&edit)) {
    if (!accepts(desc, behind->step)) return false;
    desc.epilogue.append(behind->step);
    return true;
  }
  if (const auto* before = std::get_if<PrependPrologue>(&edit)) {
    if (!accepts(desc, before->prologue)) return false;
    if (!before->prologue.steps.empty() && !changes_what_it_reads(desc, before->input, target)) {
      return false;
    }
    desc.prologue = joined(before->prologue, desc.prologue);
    return true;
  }
  if (const auto* border = std::get_if<PadInput>(&edit)) {
    // Equal sides become the convolution's padding, if it has neither a padding nor a prologue yet.
    if (border->top != border->bottom || border->left != border->right) return false;
    if (!(desc.padding == Pair(0)) || !desc.prologue.empty()) return false;
    desc.padding = {border->top, border->left};
    desc.padding_mode = border->mode;
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
Desc Op::unfused(const Desc& desc) {
  Desc bare = desc;
  bare.prologue = {};
  bare.moments = false;
  return bare;
}

Op::Config Op::choose(const Desc& desc, ShapeSpan inputs, const Target& target) {
  switch (target.kernels) {
    case KernelSet::reference: return {};
    case KernelSet::cpu:
      if (!target.tuned) return CpuConfig{.isa = simd::available().front()};
      return conv2d::choose(desc, inputs[0], target.isa, target.winograd);
    case KernelSet::cuda: {
      const FloatMath math = target.tf32 ? FloatMath::tf32 : FloatMath::exact;
      CudaConfig config = choose_cuda(desc, inputs[0], target.element_bytes(), math, target.gpu);
      if (!target.tuned) config.splits = 1;
      return config;
    }
  }
  return {};
}

std::string Op::describe(const Config& config) {
  if (const auto* cpu = std::get_if<CpuConfig>(&config)) return to_string(*cpu);
  if (const auto* cuda = std::get_if<CudaConfig>(&config)) return to_string(*cuda);
  return "-";
}

bool Op::loses_a_digit(const Config& config) {
  const auto* cpu = std::get_if<CpuConfig>(&config);
  return cpu != nullptr && cpu->algorithm == Algorithm::winograd;
}

Needs Op::needs(const Desc& desc, const Config& config, ShapeSpan inputs, const Target& target) {
  if (const auto* cpu = std::get_if<CpuConfig>(&config)) {
    return {.workspace =
                checked_multiply(4, workspace_elements(desc, *cpu, inputs[0], target.threads))};
  }
  if (const auto* cuda = std::get_if<CudaConfig>(&config)) {
    const Scratch found = scratch(desc, *cuda, inputs[0]);
    return {.workspace = found.partial_bytes, .tickets = found.ticket_bytes};
  }
  return {};
}

int64_t Op::moment_tiles(const Desc& desc, const Config& config, ShapeSpan inputs) {
  if (!desc.moments) return 0;
  if (const auto* cpu = std::get_if<CpuConfig>(&config)) {
    return conv2d::moment_tiles(desc, *cpu, inputs[0]);
  }
  return conv2d::moment_tiles(desc, std::get<CudaConfig>(config), inputs[0]);
}

std::optional<Packing> Op::packing(const Desc& desc, const Config& config, const Target& target) {
  if (const auto* cpu = std::get_if<CpuConfig>(&config)) {
    return Packing{packed_elements(desc, *cpu), conv2d::packing(desc, *cpu)};
  }
  if (const auto* cuda = std::get_if<CudaConfig>(&config)) {
    return Packing{packed_elements(desc, *cuda, target.element_bytes()), conv2d::packing(*cuda)};
  }
  return {};
}

void Op::pack(const Desc& desc, const Config& config, std::span<const float> weight,
              const AnyView& packed) {
  if (const auto* cpu = std::get_if<CpuConfig>(&config)) {
    const std::span<const float> to = packed.packed<float>();
    return conv2d::pack(desc, *cpu, weight, std::span(const_cast<float*>(to.data()), to.size()));
  }
  with_cuda_type(packed.dtype, [&]<class T>(T) {
    const std::span<T> to{reinterpret_cast<T*>(packed.data),
                          static_cast<size_t>(packed.shape.elements())};
    conv2d::pack<T>(desc, std::get<CudaConfig>(config), weight, to);
  });
}

Traffic Op::traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                    const Target& target) {
  return conv2d::traffic(desc, std::get<CudaConfig>(config), inputs[0], target.element_bytes());
}

void Op::reference(const Desc& desc, const Call& call, Parallel& parallel) {
  with_reference_type(
      call.dtype(), [&]<class T>(T) { conv2d::reference<T>(desc, bind<T>(desc, call), parallel); });
}

void Op::cpu(const Desc& desc, const Config& config, const Call& call, Parallel& parallel) {
  conv2d::cpu(desc, std::get<CpuConfig>(config), bind<float>(desc, call), parallel);
}

Desc Op::read(ShapeSpan inputs, Fields& fields) {
  Desc desc{.in_channels = inputs[0].c(),
            .out_channels = fields.integer("k", inputs[0].c()),
            .kernel = fields.integer("kernel", 3),
            .stride = fields.integer("stride", 1),
            .dilation = fields.integer("dilation", 1),
            .padding = fields.integer("padding", 0),
            .padding_mode = fields.padding_mode(),
            .prologue = {.upsample = fields.integer("upsample", 1)}};
  read_fused(desc, fields);
  return desc;
}

}  // namespace kintsugi::conv2d
