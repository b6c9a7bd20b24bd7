// SPDX-License-Identifier: MIT
#include "kernels/resample/contract.h"

#include "kernels/contract/table.h"

namespace kintsugi::resample {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

// A description says a size. A window has what enlarges or shrinks both axes by whole factors; aligned
// corners spread the pixels by another factor than the sizes say.
Reach Op::reach(const Desc& desc, ShapeSpan inputs) {
  const Pair in{inputs[0].h(), inputs[0].w()}, out = desc.size;
  if (desc.align_corners) return {};
  const bool enlarges = out.h % in.h == 0 && out.w % in.w == 0;
  if (!enlarges && (in.h % out.h != 0 || in.w % out.w != 0)) return {};
  const Pair factor =
      enlarges ? Pair(out.h / in.h, out.w / in.w) : Pair(in.h / out.h, in.w / out.w);
  if (desc.mode == Mode::nearest) {
    // In float, some factors that are no powers of two miss a pixel here and there.
    const auto exact = [&](int64_t extent, int64_t made, int64_t by) {
      for (int64_t i = 0; i < made; ++i) {
        if (place(desc, i, extent, made).first != (enlarges ? i / by : i * by)) return false;
      }
      return true;
    };
    if (!exact(in.h, out.h, factor.h) || !exact(in.w, out.w, factor.w)) return {};
    return Window{.kernel = enlarges ? factor : 1, .stride = factor, .transposed = enlarges};
  }
  // Two neighbours about the middle of the output pixel, one of them possibly with weight zero.
  if (enlarges) {
    return Window{.kernel = {2 * factor.h, 2 * factor.w},
                  .stride = factor,
                  .padding = {(factor.h + 1) / 2, (factor.w + 1) / 2},
                  .transposed = true};
  }
  return Window{
      .kernel = 2, .stride = factor, .padding = {-((factor.h - 1) / 2), -((factor.w - 1) / 2)}};
}

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
