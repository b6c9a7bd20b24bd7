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
  const int64_t per_result = desc.steps.channels_per_result();
  if (input.c() % per_result != 0) {
    throw Error(ErrorCode::mismatch, to_string(desc) + ": the input " + input.to_string() +
                                         " has an odd number of channels to pair");
  }
  return {input.n(), input.c() / per_result, input.h(), input.w()};
}

int64_t flops(const Desc& desc, const Shape& input) {
  const Shape out = output_shape(desc, input);
  int64_t count = 0;
  int64_t elements = input.elements();
  for (const Step& step : desc.steps) {
    const bool gate = step.kind == Step::Kind::gate;
    if (gate) elements = out.elements();
    const int64_t each = gate ? 3 : step.kind == Step::Kind::affine ? 2 : 1;
    count = checked_add(count, checked_multiply(each, elements));
  }
  return count;
}

int64_t bytes(const Desc& desc, const Shape& input, int64_t element_bytes) {
  const Shape out = output_shape(desc, input);
  int64_t elements = checked_add(input.elements(), out.elements());
  const Shape* at = &input;  // a step's
  for (const Step& step : desc.steps) {
    if (step.kind == Step::Kind::gate) at = &out;
    elements = checked_add(
        elements, checked_multiply(step.operand_count(), operand_elements(step.extent, *at)));
  }
  return checked_multiply(elements, element_bytes);
}

bool accepts(const Desc& desc, const Step& step) {
  return !desc.steps.full() && (step.kind != Step::Kind::gate || desc.steps.gate() < 0);
}

std::string to_string(const Desc& desc) { return "elementwise: " + to_string(desc.steps); }

}  // namespace kintsugi::elementwise
