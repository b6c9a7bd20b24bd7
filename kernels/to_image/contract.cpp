// SPDX-License-Identifier: MIT
#include "kernels/to_image/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::to_image {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Shapes Op::outputs(const Desc& desc, ShapeSpan inputs) {
  return {output_shape(desc, inputs[0]), first_bad_shape(inputs[0])};
}

Stored Op::makes(const Desc& desc, int output) {
  return output == 0 ? samples_of(desc.bits) : Stored::exact;
}

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target&) {
  const Shape image = output_shape(desc, inputs[0]);
  return {.read = checked_multiply(16, image.pixels()),
          .written = checked_add(checked_multiply(desc.bits / 8, image.elements()),
                                 device::group_bytes(first_bad_shape(inputs[0]), 4))};
}

void Op::reference(const Desc& desc, const Call& call, Parallel& parallel) {
  with_sample_type(call.outputs[0].dtype, [&]<class S>(S) {
    with_reference_type(call.inputs[0].dtype, [&]<class T>(T) {
      to_image::reference(desc, bind<S, T>(desc, call), parallel);
    });
  });
}

void Op::cpu(const Desc& desc, const Config&, const Call& call, Parallel& parallel) {
  with_sample_type(call.outputs[0].dtype,
                   [&]<class S>(S) { to_image::cpu(desc, bind<S, float>(desc, call), parallel); });
}

Desc Op::read(ShapeSpan, Fields& fields) {
  return {.rounds = fields.is_on("rounds"),
          .grey = fields.is_on("grey"),
          .bits = fields.choice("bits", {"8", "16"}) == 0 ? 8 : 16};
}

}  // namespace kintsugi::to_image
