// SPDX-License-Identifier: MIT
#include "kernels/elementwise/elementwise.h"

namespace kintsugi::elementwise {
namespace {

/// Elements that one operand of a step holds, for an activation of this shape.
int64_t operand_elements(Extent extent, const Shape& shape) {
  switch (extent) {
    case Extent::scalar: return 0;
    case Extent::channel: return shape.c();
    case Extent::sample_channel: return checked_multiply(shape.n(), shape.c());
    case Extent::pixel: return shape.pixels();
    case Extent::tensor: return shape.elements();
  }
  return 0;
}

}  // namespace

Shape output_shape(const Desc& desc, const Shape& input) {
  if (input.rank() != 4) {
    throw Error(ErrorCode::mismatch,
                to_string(desc) + ": the input " + input.to_string() + " is not [N, C, H, W]");
  }
  if (input.elements() == 0) {
    throw Error(ErrorCode::mismatch,
                to_string(desc) + ": the input " + input.to_string() + " has no element");
  }
  return input;
}

int64_t flops(const Desc& desc, const Shape& input) {
  int64_t count = 0;
  for (const Step& step : desc.steps) count += step.kind == Step::Kind::affine ? 2 : 1;
  return checked_multiply(count, output_shape(desc, input).elements());
}

int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes) {
  int64_t elements = checked_multiply(2, output_shape(desc, input).elements());
  for (const Step& step : desc.steps) {
    elements = checked_add(
        elements, checked_multiply(step.operand_count(), operand_elements(step.extent, input)));
  }
  return checked_multiply(elements, element_bytes);
}

bool accepts(const Desc& desc, const Step&) { return !desc.steps.full(); }

std::string to_string(const Desc& desc) { return "elementwise: " + to_string(desc.steps); }

}  // namespace kintsugi::elementwise
