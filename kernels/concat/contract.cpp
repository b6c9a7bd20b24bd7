// SPDX-License-Identifier: MIT
#include "kernels/concat/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::concat {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Shapes Op::outputs(const Desc& desc, ShapeSpan inputs) { return {output_shape(desc, inputs)}; }

Cost Op::cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes) {
  return {0, bytes(desc, inputs, element_bytes)};
}

Reach Op::reach(const Desc&, ShapeSpan) { return Window{}; }

std::string Op::describe(const Desc&) { return "concat"; }

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  // Inputs element by element.
  const Shape out = output_shape(desc, inputs);
  return {.read = checked_multiply(out.elements(), target.element_bytes()),
          .written = device::group_bytes(out, target.element_bytes())};
}

Desc Op::read(ShapeSpan, Fields&) { return {}; }

}  // namespace kintsugi::concat
