// SPDX-License-Identifier: MIT
#include "kernels/layer_norm/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::layer_norm {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Shapes Op::weights(const Desc& desc, ShapeSpan inputs) {
  if (!desc.affine) return {};
  return {{inputs[0].c()}, {inputs[0].c()}};
}

Reach Op::reach(const Desc&, ShapeSpan) { return Window{}; }

Op::Config Op::choose(const Desc&, ShapeSpan inputs, const Target& target) {
  switch (target.kernels) {
    case KernelSet::reference: return {};
    case KernelSet::cpu: return target.tuned ? target.isa : simd::available().front();
    case KernelSet::cuda: return choose_cuda(inputs[0], target.element_bytes());
  }
  return {};
}

std::string Op::describe(const Config& config) {
  if (const auto* isa = std::get_if<simd::Isa>(&config)) return simd::to_string(*isa);
  if (const auto* cuda = std::get_if<CudaConfig>(&config)) return to_string(*cuda);
  return "-";
}

Traffic Op::traffic(const Desc& desc, const Config& config, ShapeSpan inputs,
                    const Target& target) {
  return layer_norm::traffic(desc, std::get<CudaConfig>(config), inputs[0], target.element_bytes());
}

void Op::cpu(const Desc& desc, const Config& config, const Call& call, Parallel& parallel) {
  layer_norm::cpu(desc, std::get<simd::Isa>(config), bind<float>(desc, call), parallel);
}

Desc Op::read(ShapeSpan, Fields& fields) {
  return {.affine = fields.choice("affine", {"on", "off"}) == 0};
}

}  // namespace kintsugi::layer_norm
