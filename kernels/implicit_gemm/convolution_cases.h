// SPDX-License-Identifier: MIT
//
// What the cases of conv2d and conv_transpose2d (kernels/<op>/cases.h) have in common: how a case is
// added, the step lists that are fused, the list of all cases and the mistakes.
#pragma once

#include <initializer_list>
#include <vector>

#include "kernels/contract/case.h"

namespace kintsugi::implicit_gemm {

/// Adds a small case to a list; with the size of an element, one whose depth is stated for two bytes and
/// holds as many bytes in any type.
template <class Desc>
struct AddCase {
  std::vector<OpCase>& cases;
  int64_t element_bytes = 0;

  void operator()(Desc desc, Shape input) const {
    if (element_bytes > 0) {
      desc.in_channels = desc.in_channels * 2 / element_bytes;
      input = {input.n(), desc.in_channels, input.h(), input.w()};
    }
    cases.push_back(small_case(desc, {input}));
    cases.back().element_bytes = element_bytes;
  }
};

/// Step lists that networks do not have, with every extent: what moves zero shows in the padding.
struct StepLists {
  Step gate = step::gate(Function::elu, Function::sigmoid);
  Steps norm{step::affine(Extent::sample_channel), step::activate(Function::relu)};
  Steps gated{step::add(Extent::channel), gate};
  Steps around_gate{step::affine(Extent::channel),
                    step::activate(Function::leaky_relu, 0.3f),
                    step::gate(Function::leaky_relu, Function::tanh, 0.2f),
                    step::mul(Extent::pixel),
                    step::add(Extent::tensor),
                    step::affine(Extent::sample_channel)};
  Steps prologue{step::mul(Extent::pixel),
                 step::add(Extent::tensor),
                 step::affine(Extent::channel),
                 step::activate(Function::leaky_relu, 0.3f),
                 step::affine(Extent::sample_channel),
                 step::add(0.5f)};
  /// Before moments: means are not near zero, where a shift has fewer digits to be compared.
  Steps far_bias{step::add(Extent::channel), step::add(2.0f)};
};

/// `deep` adds those of one element size; the slow checks leave the others out.
[[nodiscard]] inline std::vector<OpCase> cases_of(
    std::initializer_list<void (*)(std::vector<OpCase>&)> others,
    void (*deep)(std::vector<OpCase>&, int64_t element_bytes)) {
  std::vector<OpCase> cases;
  for (const auto add : others) add(cases);
  for (OpCase& c : cases) c.thorough = false;
  for (const int64_t bytes : {2, 4}) deep(cases, bytes);
  return cases;
}

/// Of `right` on `input`: another dilation, an epilogue and a prologue, and what `change` makes.
template <class Desc, class... Change>
[[nodiscard]] std::vector<Mistakes> mistakes_of(const Desc& right, const Shape& input,
                                                const Change&... change) {
  std::vector<Mistakes> out{{small_case(right, {input}), {}}};
  const auto wrong = [&](const auto& by) {
    Desc desc = right;
    by(desc);
    out[0].wrong.emplace_back(desc);
  };
  wrong([](Desc& d) { d.dilation = d.padding = 2; });
  wrong([](Desc& d) { d.epilogue = {step::activate(Function::relu)}; });
  wrong([](Desc& d) { d.prologue.steps = {step::activate(Function::relu)}; });
  (wrong(change), ...);
  return out;
}

}  // namespace kintsugi::implicit_gemm
