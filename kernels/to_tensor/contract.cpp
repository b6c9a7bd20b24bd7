// SPDX-License-Identifier: MIT
#include "kernels/to_tensor/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::to_tensor {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Shapes Op::outputs(const Desc& desc, ShapeSpan inputs) {
  const Shape& image = inputs[0];
  const Shape out = output_shape(desc, image);
  if (desc.masked && !(inputs[1] == Shape{image.n(), 1, image.h(), image.w()})) {
    throw Error(ErrorCode::mismatch, to_string(desc) + ": the mask " + inputs[1].to_string() +
                                         " is not of the image " + image.to_string());
  }
  return {out};
}

Stored Op::reads(const Desc& desc, int input) { return samples_of(input == 0 ? desc.bits : 8); }

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  const int64_t read = samples_read(desc, inputs[0]) * (desc.bits / 8) + (desc.masked ? 1 : 0);
  return {.read = checked_multiply(read, inputs[0].pixels()),
          .written = device::group_bytes(output_shape(desc, inputs[0]), target.element_bytes())};
}

void Op::reference(const Desc& desc, const Call& call, Parallel& parallel) {
  with_sample_type(call.inputs[0].dtype, [&]<class S>(S) {
    with_reference_type(call.outputs[0].dtype, [&]<class T>(T) {
      to_tensor::reference(desc, bind<S, T>(desc, call), parallel);
    });
  });
}

void Op::cpu(const Desc& desc, const Config&, const Call& call, Parallel& parallel) {
  with_sample_type(call.inputs[0].dtype,
                   [&]<class S>(S) { to_tensor::cpu(desc, bind<S, float>(desc, call), parallel); });
}

Desc Op::read(ShapeSpan, Fields& fields) {
  Desc desc{{.from = From::red, .mean = 0.5f, .scale = 2},
            {.from = From::green, .mean = 0.5f, .scale = 2},
            {.from = From::blue, .mean = 0.5f, .scale = 2}};
  desc.bits = fields.choice("bits", {"8", "16"}) == 0 ? 8 : 16;
  desc.masked = false;
  return desc;
}

}  // namespace kintsugi::to_tensor
