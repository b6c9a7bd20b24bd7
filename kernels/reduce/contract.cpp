// SPDX-License-Identifier: MIT
#include "kernels/reduce/contract.h"

#include "kernels/contract/table.h"
#include "kernels/reduce/cuda.h"

namespace kintsugi::reduce {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Reach Op::reach(const Desc& desc, ShapeSpan) {
  if (desc.over == Over::pixels) return {};
  return Window{};
}

Needs Op::needs(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  switch (target.kernels) {
    case KernelSet::reference: return {};
    case KernelSet::cpu: return {.workspace = 4 * workspace_elements(desc, inputs[0])};
    case KernelSet::cuda: return {.workspace = scratch(desc, inputs[0], target.element_bytes())};
  }
  return {};
}

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  return reduce::traffic(desc, inputs[0], target.element_bytes());
}

Desc Op::read(ShapeSpan, Fields& fields) {
  constexpr Reduction kKinds[] = {Reduction::mean, Reduction::sum, Reduction::max};
  return {
      .reduction = kKinds[fields.choice("kind", {"mean", "sum", "max"})],
      .over = fields.choice("over", {"pixels", "channels"}) == 0 ? Over::pixels : Over::channels};
}

}  // namespace kintsugi::reduce
