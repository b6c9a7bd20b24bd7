// SPDX-License-Identifier: MIT
#include "kernels/conv_transpose2d/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::conv_transpose2d {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Reach Op::reach(const Desc& desc, ShapeSpan) {
  return Window{.kernel = desc.kernel,
                .stride = desc.stride,
                .dilation = desc.dilation,
                .padding = desc.padding,
                .transposed = true};
}

// The CUDA kernels would apply steps again for each tap; the others would read a changed copy.
bool Op::pays(const Desc& desc, const PrependPrologue&, const Target& target) {
  return target.kernels == KernelSet::cuda && desc.kernel == Pair(1);
}

CpuConfig Op::choose_cpu(const Desc& desc, const Shape& input, const Target& target) {
  return conv_transpose2d::choose(desc, input, target.isa);
}

Desc Op::read(ShapeSpan inputs, Fields& fields) {
  Desc desc{.in_channels = inputs[0].c(),
            .out_channels = fields.integer("k", inputs[0].c()),
            .kernel = fields.integer("kernel", 4),
            .stride = fields.integer("stride", 2),
            .dilation = fields.integer("dilation", 1),
            .padding = fields.integer("padding", 1)};
  implicit_gemm::read_fused(desc, fields);
  return desc;
}

}  // namespace kintsugi::conv_transpose2d
