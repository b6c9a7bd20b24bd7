// SPDX-License-Identifier: MIT
//
// What a convolution of a network has around it, as settings: for the contracts of both convolutions.
#pragma once

#include "kernels/contract/fields.h"

namespace kintsugi {

/// A norm that was not applied to the input yet (norm=on), moments of the output (moments=on), a
/// channel bias, then an activation (act=) or a gate (gate=on), which takes twice the filters.
template <class Desc>
void read_fused(Desc& desc, Fields& fields) {
  if (fields.is_on("norm")) {
    desc.prologue.steps = {step::affine(Extent::sample_channel), step::activate(Function::relu)};
  }
  desc.moments = fields.is_on("moments");
  desc.epilogue = {step::add(Extent::channel)};
  const Function function = fields.function("act");
  if (fields.is_on("gate")) {
    desc.out_channels = checked_multiply(2, desc.out_channels);
    desc.epilogue.append(step::gate(function, Function::sigmoid, kLayerSlope));
  } else {
    for (const Step& step : activation(function)) desc.epilogue.append(step);
  }
  if (desc.moments && !accepts_moments(desc)) {
    throw Error(ErrorCode::usage, "what was gated leaves no moments: moments=on or gate=on");
  }
}

}  // namespace kintsugi
