// SPDX-License-Identifier: MIT
#include "kernels/core/steps.h"

#include <cstdio>

namespace kintsugi {

const char* to_string(Function function) {
#define KINTSUGI_FUNCTION(name, takes_slope, formula) \
  if (function == Function::name) return #name;
#include "kernels/core/functions.def"
  return "?";
}

std::optional<Function> function_named(std::string_view name) {
  for (const Function function : kFunctions) {
    if (name == to_string(function)) return function;
  }
  return std::nullopt;
}

const char* to_string(Extent extent) {
  switch (extent) {
    case Extent::scalar: return "scalar";
    case Extent::channel: return "channel";
    case Extent::sample_channel: return "sample-channel";
    case Extent::pixel: return "pixel";
    case Extent::tensor: return "tensor";
  }
  return "?";
}

namespace {

std::string number(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", static_cast<double>(value));
  return text;
}

std::string name(Function function, float slope) {
  return to_string(function) + (takes_slope(function) ? " " + number(slope) : std::string());
}

std::string describe(const Step& step) {
  const bool scalar = step.extent == Extent::scalar;
  switch (step.kind) {
    case Step::Kind::add: return "add " + (scalar ? number(step.a) : to_string(step.extent));
    case Step::Kind::mul: return "mul " + (scalar ? number(step.a) : to_string(step.extent));
    case Step::Kind::affine:
      return "affine " + (scalar ? number(step.a) + " " + number(step.b) : to_string(step.extent));
    case Step::Kind::activate: return name(step.function, step.a);
    case Step::Kind::clamp: return "clamp [" + number(step.a) + ", " + number(step.b) + "]";
    case Step::Kind::prelu: return "prelu " + (scalar ? number(step.a) : to_string(step.extent));
    case Step::Kind::gate:
      return "gate " + name(step.function, step.a) + " " + to_string(step.gate);
  }
  return "?";
}

}  // namespace

std::string to_string(const Steps& steps) {
  std::string text;
  for (const Step& step : steps) text += (text.empty() ? "" : ", ") + describe(step);
  return text;
}

std::string to_string(const Prologue& prologue) {
  std::string text = to_string(prologue.steps);
  if (prologue.upsample != 1) {
    text += (text.empty() ? "nearest x" : ", nearest x") + std::to_string(prologue.upsample);
  }
  return text;
}

}  // namespace kintsugi
