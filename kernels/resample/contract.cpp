// SPDX-License-Identifier: MIT
#include "kernels/resample/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::resample {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

// Which pixels it reads follows from both sizes, not from a window.
Reach Op::reach(const Desc&) { return {}; }

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  const int64_t written =
      device::group_bytes(output_shape(desc, inputs[0]), target.element_bytes());
  return {.read = checked_multiply(desc.mode == Mode::nearest ? 1 : 4, written),
          .written = written};
}

Desc Op::read(ShapeSpan inputs, Fields& fields) {
  const Shape& input = inputs[0];
  return {
      .size = {fields.integer("height", checked_multiply(2, input.h())),
               fields.integer("width", checked_multiply(2, input.w()))},
      .mode = fields.choice("kind", {"nearest", "bilinear"}) == 0 ? Mode::nearest : Mode::bilinear};
}

}  // namespace kintsugi::resample
