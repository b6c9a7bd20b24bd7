// SPDX-License-Identifier: MIT
//
// The norms of nn: batch norm as an affine of constants, the others as their statistics and the step
// that applies them.
#include <cmath>
#include <cstdio>

#include "kernels/layer_norm/layer_norm.h"
#include "kernels/norm/norm.h"
#include "runtime/graph/nn_record.h"

namespace kintsugi::nn {
namespace {

using graph::ConstantId;

/// Distinct text for distinct numbers.
std::string exactly(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/// `weight` and `bias` [C] of a module, or nothing.
std::vector<ConstantId> affine_of(const Scope& m, Value x, bool affine) {
  if (!affine) return {};
  const Shape vector{m.graph().shape(x).c()};
  return {m.weight("weight", vector), m.weight("bias", vector)};
}

Value normalize(const Scope& m, Value x, const norm::Desc& desc) {
  const Value scale = record(m.inner("statistics"), {x}, desc, affine_of(m, x, desc.affine), {});
  return apply(m, x, step::affine(Extent::sample_channel), {scale, graph::Value{scale.node, 1}});
}

}  // namespace

// y = (x - mean) / sqrt(var + eps) * weight + bias, recorded as the affine it is.
Value batch_norm(const Scope& m, Value x, double eps) {
  const Shape vector{m.graph().shape(x).c()};
  const ConstantId weight = m.weight("weight", vector);
  const ConstantId bias = m.weight("bias", vector);
  const ConstantId mean = m.weight("running_mean", vector);
  const ConstantId variance = m.weight("running_var", vector);

  using Values = std::span<const std::vector<double>>;
  const std::string identity = "(" + m.path() + ", eps " + exactly(eps) + ")";
  const auto derived = [&](const char* name, std::vector<ConstantId> sources,
                           graph::Constant::Formula formula) {
    return m.graph().constant(
        {name + identity, vector, std::move(sources), std::move(formula), m.where()});
  };
  const ConstantId scale = derived("batch_norm_scale", {weight, variance}, [eps](Values s) {
    std::vector<double> out = s[0];
    for (size_t c = 0; c < out.size(); ++c) out[c] /= std::sqrt(s[1][c] + eps);
    return out;
  });
  const ConstantId shift = derived("batch_norm_shift", {bias, mean, scale}, [](Values s) {
    std::vector<double> out = s[0];
    for (size_t c = 0; c < out.size(); ++c) out[c] -= s[1][c] * s[2][c];
    return out;
  });
  return apply(m, x, step::affine(Extent::channel), {scale, shift});
}

Value instance_norm(const Scope& m, Value x, double eps, bool affine) {
  return normalize(m, x, {.groups = m.graph().shape(x).c(), .eps = eps, .affine = affine});
}

Value group_norm(const Scope& m, Value x, int64_t groups, double eps, bool affine) {
  return normalize(m, x, {.groups = groups, .eps = eps, .affine = affine});
}

Value layer_norm(const Scope& m, Value x, double eps, bool affine) {
  return record(m, {x}, layer_norm::Desc{.eps = eps, .affine = affine}, affine_of(m, x, affine),
                {});
}

}  // namespace kintsugi::nn
