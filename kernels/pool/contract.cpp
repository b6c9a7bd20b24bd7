// SPDX-License-Identifier: MIT
#include "kernels/pool/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::pool {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

Shapes Op::outputs(const Desc& desc, ShapeSpan inputs) { return {output_shape(desc, inputs[0])}; }

Cost Op::cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes) {
  return {flops(desc, inputs[0]), bytes(desc, inputs[0], element_bytes)};
}

Reach Op::reach(const Desc& desc) {
  return Window{.kernel = desc.kernel, .stride = desc.stride, .padding = desc.padding};
}

std::string Op::describe(const Desc& desc) { return to_string(desc); }

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

void Op::reference(const Desc& desc, const Call& call, Parallel& parallel) {
  with_reference_type(call.dtype(),
                      [&]<class T>(T) { pool::reference<T>(desc, bind<T>(desc, call), parallel); });
}

void Op::cpu(const Desc& desc, const Config& config, const Call& call, Parallel& parallel) {
  pool::cpu(desc, config.isa.value(), bind<float>(desc, call), parallel);
}

Desc Op::read(ShapeSpan, Fields& fields) {
  return {.mode = fields.choice("kind", {"max", "average"}) == 0 ? Mode::max : Mode::average,
          .kernel = fields.integer("kernel", 2),
          .stride = fields.integer("stride", 2),
          .padding = fields.integer("padding", 0)};
}

}  // namespace kintsugi::pool
