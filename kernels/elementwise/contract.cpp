// SPDX-License-Identifier: MIT
#include "kernels/elementwise/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::elementwise {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Reach Op::reach(const Desc&, ShapeSpan) { return Window{}; }

bool Op::absorb(Desc& desc, const Edit& edit, const Target&) {
  const auto* behind = std::get_if<AppendStep>(&edit);
  if (behind == nullptr || !accepts(desc, behind->step)) return false;
  desc.steps.append(behind->step);
  return true;
}

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  const int64_t size = target.element_bytes();
  const Shape out = output_shape(desc, inputs[0]);
  const int64_t written = device::group_bytes(out, size);
  int64_t read = checked_add(written, device::operand_bytes(desc.steps, out, size));
  if (desc.steps.gate() >= 0) {  // gates one by one where they begin within a group
    read = checked_add(read, checked_multiply(out.elements(), size));
  }
  return {.read = read, .written = written};
}

Desc Op::read(ShapeSpan, Fields& fields) {
  Desc desc{.steps = fields.steps("steps")};
  if (!desc.steps.empty()) return desc;
  desc.steps = {step::affine(Extent::channel)};
  for (const Step& step : activation(fields.function("act"))) desc.steps.append(step);
  return desc;
}

}  // namespace kintsugi::elementwise
