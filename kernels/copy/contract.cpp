// SPDX-License-Identifier: MIT
#include "kernels/copy/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::copy {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Cost Op::cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes) {
  return {0, bytes(desc, inputs[0], element_bytes)};
}

Reach Op::reach(const Desc&, ShapeSpan) { return Window{}; }

Stored Op::makes(const Desc& desc, int) {
  switch (desc.type) {
    case Type::same: return Stored::as_kernel;
    case Type::kernel: return Stored::storage;
    case Type::exact: return Stored::exact;
  }
  return Stored::as_kernel;
}

Arrangement Op::arrangement(const Desc& desc) {
  if (desc.type != Type::same) return {};
  return {Arrangement::Kind::sliced, desc.first};
}

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  // A conversion to the plan's type begins at f32, and so ends at two bytes.
  const int64_t from = target.element_bytes();
  const int64_t to = desc.type == Type::exact                 ? 4
                     : desc.type == Type::kernel && from == 4 ? 2
                                                              : from;
  const Shape out = output_shape(desc, inputs[0]);
  return {.read = checked_multiply(out.elements(), from), .written = device::group_bytes(out, to)};
}

Desc Op::read(ShapeSpan, Fields& fields) {
  return {.first = fields.integer("first", 0), .channels = fields.integer("channels", 0)};
}

}  // namespace kintsugi::copy
