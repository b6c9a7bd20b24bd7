// SPDX-License-Identifier: MIT
#include "kernels/resample/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::resample {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Shapes Op::outputs(const Desc& desc, ShapeSpan inputs) { return {output_shape(desc, inputs[0])}; }

Cost Op::cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes) {
  return {flops(desc, inputs[0]), bytes(desc, inputs[0], element_bytes)};
}

// Which pixels it reads follows from both sizes, not from a window.
Reach Op::reach(const Desc&) { return {}; }

std::string Op::describe(const Desc& desc) { return to_string(desc); }

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  const int64_t written =
      device::group_bytes(output_shape(desc, inputs[0]), target.element_bytes());
  return {.read = checked_multiply(desc.mode == Mode::nearest ? 1 : 4, written),
          .written = written};
}

void Op::reference(const Desc& desc, const Call& call, Parallel& parallel) {
  with_reference_type(call.dtype(), [&]<class T>(T) {
    resample::reference<T>(desc, bind<T>(desc, call), parallel);
  });
}

void Op::cpu(const Desc& desc, const Config& config, const Call& call, Parallel& parallel) {
  resample::cpu(desc, config.isa.value(), bind<float>(desc, call), parallel);
}

Desc Op::read(ShapeSpan inputs, Fields& fields) {
  const Shape& input = inputs[0];
  return {
      .size = {fields.integer("height", checked_multiply(2, input.h())),
               fields.integer("width", checked_multiply(2, input.w()))},
      .mode = fields.choice("kind", {"nearest", "bilinear"}) == 0 ? Mode::nearest : Mode::bilinear};
}

}  // namespace kintsugi::resample
