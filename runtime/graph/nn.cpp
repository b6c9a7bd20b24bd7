// SPDX-License-Identifier: MIT
#include "runtime/graph/nn.h"

#include <cmath>
#include <cstdio>

#include "runtime/weights/source_line.h"

namespace kintsugi::nn {
namespace {

using graph::ConstantId;
using graph::Operand;

/// One node of `op` on `x`, named after its module.
Value record(const Scope& m, Value x, graph::Op op, std::vector<ConstantId> weights,
             std::vector<Operand> operands, Where where) {
  return m.graph().record({.op = std::move(op),
                           .inputs = {x},
                           .weights = std::move(weights),
                           .operands = std::move(operands),
                           .names = {m.path()},
                           .shape = {},
                           .where = where});
}

/// Distinct text for distinct numbers.
std::string exactly(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

Value apply(const Scope& m, Value x, const Step& step, std::vector<Operand> operands, Where where) {
  return record(m, x, elementwise::Desc{.steps = {step}}, {}, std::move(operands), where);
}

/// A convolution of either kind: its weight, then its bias as the first step.
template <class Desc>
Value convolve(const Scope& m, Value x, Desc desc, bool bias, Where where) {
  const ConstantId weight = m.weight("weight", desc.weight_shape(), where);
  std::vector<Operand> operands;
  if (bias) {
    desc.epilogue.append(step::add(Extent::channel));
    operands.push_back(m.weight("bias", {desc.out_channels}, where));
  }
  return record(m, x, desc, {weight}, std::move(operands), where);
}

}  // namespace

Value conv2d(const Scope& m, Value x, const Conv2d& options, Where where) {
  return convolve(m, x,
                  conv2d::Desc{.in_channels = m.graph().node(x).shape.c(),
                               .out_channels = options.channels,
                               .kernel = options.kernel,
                               .stride = options.stride,
                               .dilation = options.dilation,
                               .padding = options.padding,
                               .padding_mode = options.padding_mode},
                  options.bias, where);
}

Value conv_transpose2d(const Scope& m, Value x, const ConvTranspose2d& options, Where where) {
  return convolve(m, x,
                  conv_transpose2d::Desc{.in_channels = m.graph().node(x).shape.c(),
                                         .out_channels = options.channels,
                                         .kernel = options.kernel,
                                         .stride = options.stride,
                                         .dilation = options.dilation,
                                         .padding = options.padding,
                                         .output_padding = options.output_padding},
                  options.bias, where);
}

// y = (x - mean) / sqrt(var + eps) * weight + bias, recorded as the affine it is.
Value batch_norm(const Scope& m, Value x, double eps, Where where) {
  const Shape vector{m.graph().node(x).shape.c()};
  const ConstantId weight = m.weight("weight", vector, where);
  const ConstantId bias = m.weight("bias", vector, where);
  const ConstantId mean = m.weight("running_mean", vector, where);
  const ConstantId variance = m.weight("running_var", vector, where);

  const std::string identity = "(" + m.path() + ", eps " + exactly(eps) + ")";
  const ConstantId scale = m.graph().constant({.name = "batch_norm_scale" + identity,
                                               .shape = vector,
                                               .sources = {weight, variance},
                                               .formula =
                                                   [eps](std::span<const std::vector<double>> s) {
                                                     std::vector<double> out = s[0];
                                                     for (size_t c = 0; c < out.size(); ++c)
                                                       out[c] /= std::sqrt(s[1][c] + eps);
                                                     return out;
                                                   },
                                               .where = where});
  const ConstantId shift = m.graph().constant({.name = "batch_norm_shift" + identity,
                                               .shape = vector,
                                               .sources = {bias, mean, scale},
                                               .formula =
                                                   [](std::span<const std::vector<double>> s) {
                                                     std::vector<double> out = s[0];
                                                     for (size_t c = 0; c < out.size(); ++c)
                                                       out[c] -= s[1][c] * s[2][c];
                                                     return out;
                                                   },
                                               .where = where});
  return apply(m, x, step::affine(Extent::channel), {scale, shift}, where);
}

Value relu(const Scope& m, Value x, Where where) {
  return apply(m, x, step::activate(Function::relu), {}, where);
}
Value leaky_relu(const Scope& m, Value x, float slope, Where where) {
  return apply(m, x, step::activate(Function::leaky_relu, slope), {}, where);
}
Value elu(const Scope& m, Value x, Where where) {
  return apply(m, x, step::activate(Function::elu), {}, where);
}
Value sigmoid(const Scope& m, Value x, Where where) {
  return apply(m, x, step::activate(Function::sigmoid), {}, where);
}
Value tanh(const Scope& m, Value x, Where where) {
  return apply(m, x, step::activate(Function::tanh), {}, where);
}
Value silu(const Scope& m, Value x, Where where) {
  return apply(m, x, step::activate(Function::silu), {}, where);
}
Value clamp(const Scope& m, Value x, float low, float high, Where where) {
  return apply(m, x, step::clamp(low, high), {}, where);
}

Value add(const Scope& m, Value a, Value b, Where where) {
  if (!(m.graph().node(a).shape == m.graph().node(b).shape)) {
    throw Error(ErrorCode::mismatch, m.path() + " (" + weights::source_line(where) +
                                         "): cannot add " + m.graph().node(b).shape.to_string() +
                                         " to " + m.graph().node(a).shape.to_string());
  }
  return apply(m, a, step::add(Extent::tensor), {b}, where);
}

Value pad(const Scope& m, Value x, int64_t amount, PaddingMode mode, Where where) {
  return record(
      m, x,
      pad::Desc{.top = amount, .bottom = amount, .left = amount, .right = amount, .mode = mode}, {},
      {}, where);
}

}  // namespace kintsugi::nn
