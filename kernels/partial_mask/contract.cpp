// SPDX-License-Identifier: MIT
#include "kernels/partial_mask/contract.h"

#include "kernels/contract/table.h"
#include "kernels/core/padding.h"

namespace kintsugi::partial_mask {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Shapes Op::outputs(const Desc& desc, ShapeSpan inputs) {
  if (!(inputs.front() == inputs.back())) {
    throw Error(ErrorCode::mismatch, to_string(desc) + ": its masks have different sizes");
  }
  return Shapes(2, output_shape(desc, inputs[0]));
}

Reach Op::reach(const Desc& desc, ShapeSpan) {
  return Window{.kernel = desc.kernel,
                .stride = desc.stride,
                .dilation = desc.dilation,
                .padding = desc.padding};
}

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target&) {
  const auto taps = [](int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                       int64_t padding) {
    int64_t inside = 0;
    for (int64_t i = 0; i < out; ++i) {
      for (int64_t r = 0; r < kernel; ++r) {
        inside += source_coordinate(i * stride + r * dilation - padding, in, {}) >= 0 ? 1 : 0;
      }
    }
    return inside;
  };
  // Of a mask its channel alone.
  const Shape& in = inputs[0];
  const Shape out = output_shape(desc, in);
  const int64_t rows =
      taps(in.h(), out.h(), desc.kernel.h, desc.stride.h, desc.dilation.h, desc.padding.h);
  const int64_t columns =
      taps(in.w(), out.w(), desc.kernel.w, desc.stride.w, desc.dilation.w, desc.padding.w);
  return {.read = checked_product({4, desc.planes(), in.n(), rows, columns}),
          .written = checked_multiply(2, device::group_bytes(out, 4))};
}

Desc Op::read(ShapeSpan, Fields& fields) {
  return {.kernel = fields.integer("kernel", 3),
          .stride = fields.integer("stride", 1),
          .dilation = fields.integer("dilation", 1),
          .padding = fields.integer("padding", 1),
          .channels = {fields.integer("channels", 64), 0}};
}

}  // namespace kintsugi::partial_mask
