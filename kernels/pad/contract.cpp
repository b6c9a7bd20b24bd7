// SPDX-License-Identifier: MIT
#include "kernels/pad/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::pad {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Shapes Op::outputs(const Desc& desc, ShapeSpan inputs) { return {output_shape(desc, inputs[0])}; }

Cost Op::cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes) {
  return {flops(desc, inputs[0]), bytes(desc, inputs[0], element_bytes)};
}

Reach Op::reach(const Desc& desc) { return Window{.padding = {desc.top, desc.left}}; }

std::string Op::describe(const Desc& desc) { return to_string(desc); }

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  // Zeros are stored and not read.
  const int64_t written =
      device::group_bytes(output_shape(desc, inputs[0]), target.element_bytes());
  return {.read = desc.mode == PaddingMode::zero
                      ? device::group_bytes(inputs[0], target.element_bytes())
                      : written,
          .written = written};
}

void Op::reference(const Desc& desc, const Call& call, Parallel& parallel) {
  with_reference_type(call.dtype(),
                      [&]<class T>(T) { pad::reference<T>(desc, bind<T>(desc, call), parallel); });
}

void Op::cpu(const Desc& desc, const Config&, const Call& call, Parallel& parallel) {
  pad::cpu(desc, bind<float>(desc, call), parallel);
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
