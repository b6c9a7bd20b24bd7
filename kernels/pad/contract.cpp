// SPDX-License-Identifier: MIT
#include "kernels/pad/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::pad {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Reach Op::reach(const Desc& desc, ShapeSpan) {
  return Window{.padding = {desc.top, desc.left}, .reflects = desc.mode == PaddingMode::reflect};
}

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  // Zeros are stored and not read.
  const int64_t written =
      device::group_bytes(output_shape(desc, inputs[0]), target.element_bytes());
  return {.read = desc.mode == PaddingMode::zero
                      ? device::group_bytes(inputs[0], target.element_bytes())
                      : written,
          .written = written};
}

Desc Op::read(ShapeSpan, Fields& fields) {
  const int64_t amount = fields.integer("amount", 1);
  return {.top = amount,
          .bottom = amount,
          .left = amount,
          .right = amount,
          .mode = fields.padding_mode()};
}

}  // namespace kintsugi::pad
