// SPDX-License-Identifier: MIT
#include "kernels/conv2d/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::conv2d {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

// Filters as large as the image are a fully connected layer: they grow with the image. Of an input that
// the prologue enlarges, neighbouring output pixels read different windows.
Reach Op::reach(const Desc& desc, ShapeSpan inputs) {
  const auto whole = [](int64_t kernel, int64_t dilation, int64_t padding, int64_t extent) {
    return kernel > 1 && padding == 0 && (kernel - 1) * dilation + 1 == extent;
  };
  const Shape& in = inputs[0];
  if (whole(desc.kernel.h, desc.dilation.h, desc.padding.h, in.h()) ||
      whole(desc.kernel.w, desc.dilation.w, desc.padding.w, in.w()) || desc.prologue.upsample > 1) {
    return {};
  }
  return Window{.kernel = desc.kernel,
                .stride = desc.stride,
                .dilation = desc.dilation,
                .padding = desc.padding,
                .reflects = desc.padding_mode == PaddingMode::reflect};
}

// Where a prologue's steps save a pass over the image. The CUDA kernels would apply them again for each
// tap: beyond 1x1 that costs more instructions than the products (README.md). Of the CPU's forms
// Winograd's changes what it transforms; the others would read a changed copy, and so would the
// reference.
bool Op::pays(const Desc& desc, const PrependPrologue& edit, const Target& target) {
  if (edit.prologue.steps.empty()) return true;  // enlarging is an address
  const Shape& input = edit.input;
  switch (target.kernels) {
    case KernelSet::reference: return false;
    case KernelSet::cuda: return desc.kernel == Pair(1);
    case KernelSet::cpu:
      return target.tuned &&
             choose_cpu(desc, {1, input.c(), input.h(), input.w()}, target).algorithm ==
                 Algorithm::winograd;
  }
  return false;
}

bool Op::absorb(Desc& desc, const Edit& edit, const Target& target) {
  const auto* border = std::get_if<PadInput>(&edit);
  if (border == nullptr) return ConvolutionContract::absorb(desc, edit, target);
  // Equal sides become the convolution's padding, if it has neither a padding nor a prologue yet.
  if (border->top != border->bottom || border->left != border->right) return false;
  if (!(desc.padding == Pair(0)) || !desc.prologue.empty()) return false;
  desc.padding = {border->top, border->left};
  desc.padding_mode = border->mode;
  return true;
}

CpuConfig Op::choose_cpu(const Desc& desc, const Shape& input, const Target& target) {
  return conv2d::choose(desc, input, target.isa, target.winograd);
}

bool Op::loses_a_digit(const Config& config) {
  const auto* cpu = std::get_if<CpuConfig>(&config);
  return cpu != nullptr && cpu->algorithm == Algorithm::winograd;
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
  implicit_gemm::read_fused(desc, fields);
  return desc;
}

}  // namespace kintsugi::conv2d
