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

Reach Op::reach(const Desc&) { return Window{}; }

std::string Op::describe(const Desc&) { return "concat"; }

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  // Inputs element by element.
  const Shape out = output_shape(desc, inputs);
  return {.read = checked_multiply(out.elements(), target.element_bytes()),
          .written = device::group_bytes(out, target.element_bytes())};
}

void Op::reference(const Desc& desc, const Call& call, Parallel& parallel) {
  with_reference_type(
      call.dtype(), [&]<class T>(T) { concat::reference<T>(desc, bind<T>(desc, call), parallel); });
}

void Op::cpu(const Desc& desc, const Config&, const Call& call, Parallel& parallel) {
  concat::cpu(desc, bind<float>(desc, call), parallel);
}

Desc Op::read(ShapeSpan, Fields&) { return {}; }

}  // namespace kintsugi::concat
