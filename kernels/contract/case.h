// SPDX-License-Identifier: MIT
//
// A case is an op with its inputs, small or of a network: what tests/ops holds against the reference on
// every device, and what benchmarks/ measure. kernels/<op>/cases.h lists those of an op: `cases()`, small
// and with every corner, `mistakes()`, and `layers()`, of networks.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "kernels/contract/any_op.h"

namespace kintsugi {

/// What the elements of inputs are drawn from.
enum class Fill : uint8_t {
  uniform,     // [-1, 1)
  below_zero,  // [-2.5, -0.5): a pad that is taken for an element is the largest
  spread,      // a mean of 0.25, a deviation of one
  far,     // the same deviation a thousand from zero; sixty in bf16, whose steps there are too wide
  binary,  // ones, a third of them, and zeros
  fractional,  // some zero, the others up to one
  zeros,
  ones,
};

struct OpCase {
  std::string name;
  AnyOp op;
  Shapes inputs;
  Fill fill = Fill::uniform;
  /// Whether the slow checks take it too: every order of threads, the race detector.
  bool thorough = true;
  /// Of the storage that it is for; 0: of any. A depth of so many bytes is another number of channels.
  int64_t element_bytes = 0;
  /// Its result is the reference's to the last bit.
  bool exact = false;
};

/// A case, and descriptions that compute something else of the same inputs: tests must tell them apart.
struct Mistakes {
  OpCase right;
  std::vector<AnyOp> wrong;
};

/// A case that is named by its description and its first input.
[[nodiscard]] inline OpCase small_case(const AnyOp& op, Shapes inputs, Fill fill = Fill::uniform) {
  return {to_string(op) + " on " + inputs.front().to_string(), op, std::move(inputs), fill};
}
/// A layer of a network, on one input.
[[nodiscard]] inline OpCase layer(std::string name, const AnyOp& op, const Shape& input) {
  return {std::move(name), op, {input}};
}

/// Whether the function is defined below zero too, so that random values of both signs can test it.
[[nodiscard]] inline bool takes_any_number(Function function) {
  return !std::isnan(evaluate(function, -1, 0));
}

/// Every kind of step with every extent it can have, and every function that takes any number.
[[nodiscard]] inline std::vector<Step> every_step() {
  std::vector<Step> steps{step::add(0.25f), step::mul(-1.5f), step::affine(0.5f, 2.0f),
                          step::clamp(-0.5f, 0.25f), step::prelu(0.25f)};
  for (const Extent extent :
       {Extent::channel, Extent::sample_channel, Extent::pixel, Extent::tensor}) {
    steps.push_back(step::add(extent));
    steps.push_back(step::mul(extent));
    steps.push_back(step::affine(extent));
    steps.push_back(step::prelu(extent));
  }
  for (const Function function : kFunctions) {
    if (!takes_any_number(function)) continue;
    steps.push_back(step::activate(function, takes_slope(function) ? 0.2f : 0.0f));
  }
  return steps;
}

}  // namespace kintsugi
