// SPDX-License-Identifier: MIT
#include "kernels/norm/contract.h"

#include "kernels/contract/table.h"
#include "kernels/norm/cuda.h"

namespace kintsugi::norm {

const OpTable& op_table(const Desc*) {
  static constexpr OpTable kTable = table_of<Op>();
  return kTable;
}

namespace {

/// An image as a contract is asked about: of moments, which have no pixels, its channels alone.
Shape image_of(const Desc& desc, ShapeSpan inputs) {
  if (desc.moments_of == 0) return inputs[0];
  return {inputs[0].n(), desc.moments_of, 1, 1};
}

}  // namespace

Shapes Op::weights(const Desc& desc, ShapeSpan inputs) {
  if (!desc.affine) return {};
  const Shape vector{image_of(desc, inputs).c()};
  return {vector, vector};
}

Shapes Op::outputs(const Desc& desc, ShapeSpan inputs) {
  return Shapes(2, output_shape(desc, image_of(desc, inputs)));
}

Cost Op::cost(const Desc& desc, ShapeSpan inputs, int64_t element_bytes) {
  const Shape image = image_of(desc, inputs);
  return {flops(desc, image), bytes(desc, image, element_bytes)};
}

Reach Op::reach(const Desc&, ShapeSpan) { return {}; }

Stored Op::reads(const Desc& desc, int) {
  return desc.moments_of > 0 ? Stored::exact : Stored::as_kernel;
}

bool Op::absorb(Desc& desc, const Edit& edit, const Target& target) {
  const auto* moments = std::get_if<ReadMoments>(&edit);
  if (moments == nullptr || target.kernels == KernelSet::reference || desc.moments_of > 0) {
    return false;
  }
  desc.moments_of = moments->image.c();
  return true;
}

Needs Op::needs(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  const Shape image = image_of(desc, inputs);
  switch (target.kernels) {
    case KernelSet::reference: return {};
    case KernelSet::cpu: return {.workspace = 4 * workspace_elements(desc, image)};
    case KernelSet::cuda: return {.workspace = scratch(desc, image, target.element_bytes())};
  }
  return {};
}

Traffic Op::traffic(const Desc& desc, const Config&, ShapeSpan inputs, const Target& target) {
  const Shape image = image_of(desc, inputs);
  if (desc.moments_of == 0) return norm::traffic(desc, image, target.element_bytes());
  // Of records their channels matter, which are whole groups of the type that was stored.
  const int64_t stored = (inputs[0].c() - MomentsView<float>::kHeader) / 2;
  return norm::traffic(desc, image, stored == round_up(image.c(), 8) ? 2 : 4, inputs[0].h());
}

Desc Op::read(ShapeSpan inputs, Fields& fields) {
  return {.groups = fields.integer("groups", inputs[0].c()), .affine = fields.is_on("affine")};
}

}  // namespace kintsugi::norm
