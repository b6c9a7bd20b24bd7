// SPDX-License-Identifier: MIT
#include "kernels/pool/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::pool {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Reach Op::reach(const Desc& desc, ShapeSpan) {
  return Window{.kernel = desc.kernel, .stride = desc.stride, .padding = desc.padding};
}

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  const auto taps = [](int64_t out, int64_t kernel, int64_t stride, int64_t padding, int64_t in) {
    int64_t inside = 0;
    for (int64_t i = 0; i < out; ++i) {
      const Span seen = span(i, kernel, stride, padding, in);
      inside += seen.end - seen.begin;
    }
    return inside;
  };
  const Shape& in = inputs[0];
  const Shape out = output_shape(desc, in);
  const Shape read{in.n(), in.c(),
                   taps(out.h(), desc.kernel.h, desc.stride.h, desc.padding.h, in.h()),
                   taps(out.w(), desc.kernel.w, desc.stride.w, desc.padding.w, in.w())};
  return {.read = device::group_bytes(read, target.element_bytes()),
          .written = device::group_bytes(out, target.element_bytes())};
}

Desc Op::read(ShapeSpan, Fields& fields) {
  return {.mode = fields.choice("kind", {"max", "average"}) == 0 ? Mode::max : Mode::average,
          .kernel = fields.integer("kernel", 2),
          .stride = fields.integer("stride", 2),
          .padding = fields.integer("padding", 0)};
}

}  // namespace kintsugi::pool
