// SPDX-License-Identifier: MIT
#include "kernels/random/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::random {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  // Each group of 16 bytes reads its item's state.
  const int64_t written =
      device::group_bytes(output_shape(desc, inputs[0]), target.element_bytes());
  return {.read = checked_multiply(2 * State::kPieces, written / 16), .written = written};
}

Desc Op::read(ShapeSpan, Fields& fields) {
  constexpr Distribution kKinds[] = {Distribution::normal, Distribution::uniform};
  return {.distribution = kKinds[fields.choice("kind", {"normal", "uniform"})],
          .channels = fields.integer("channels", 4),
          .size = {fields.integer("height", 64), fields.integer("width", 64)}};
}

}  // namespace kintsugi::random
