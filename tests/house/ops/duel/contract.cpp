// SPDX-License-Identifier: MIT
#include "tests/house/ops/duel/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::duel {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Shapes Op::outputs(const Desc& desc, ShapeSpan inputs) {
  if (!(inputs[0] == inputs[1])) {
    throw Error(ErrorCode::mismatch, describe(desc) + ": its inputs have different shapes");
  }
  const Shape& s = inputs[0];
  return {s, {s.n(), 1, s.h(), s.w()}};
}

Cost Op::cost(const Desc&, ShapeSpan inputs, int64_t element_bytes) {
  const int64_t elements = inputs[0].elements();
  return {elements, 3 * elements * element_bytes + 4 * inputs[0].pixels()};
}

Stored Op::makes(const Desc&, int output) {
  return output == 0 ? Stored::as_kernel : Stored::exact;
}

std::string Op::describe(const Desc& desc) {
  return "duel, handicap " + std::to_string(desc.handicap);
}

void Op::reference(const Desc& desc, const Call& call, Parallel& parallel) {
  with_reference_type(call.dtype,
                      [&]<class T>(T) { duel::reference<T>(desc, bind<T>(desc, call), parallel); });
}

void Op::cpu(const Desc& desc, const Config&, const Call& call, Parallel& parallel) {
  duel::reference<float>(desc, bind<float>(desc, call), parallel);
}

Desc Op::read(ShapeSpan, Fields& fields) {
  return {.handicap = static_cast<float>(fields.integer("handicap", 0))};
}

}  // namespace kintsugi::duel
