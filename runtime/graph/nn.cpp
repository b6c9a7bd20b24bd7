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

/// Columns `from` on of a weight [K, columns], as many as a filter of this shape holds.
ConstantId filters(const Scope& m, ConstantId weight, const Shape& shape, int64_t from,
                   Where where) {
  graph::Graph& graph = m.graph();
  const int64_t columns = graph.constant(weight).shape[1];
  const int64_t taken = shape.elements() / shape[0];
  return graph.constant({.name = graph.constant(weight).name + "[:, " + std::to_string(from) + ":" +
                                 std::to_string(from + taken) + "] as " + shape.to_string(),
                         .shape = shape,
                         .sources = {weight},
                         .formula =
                             [columns, from, taken](std::span<const std::vector<double>> s) {
                               std::vector<double> out;
                               for (auto row = s[0].begin(); row != s[0].end(); row += columns) {
                                 out.insert(out.end(), row + from, row + from + taken);
                               }
                               return out;
                             },
                         .where = where});
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

// On one picture a linear layer is a convolution whose filters are as large as the picture; on several
// side by side it is the sum of one for each.
Value linear(const Scope& m, std::span<const Value> parts, int64_t features, Where where) {
  int64_t columns = 0;
  for (const Value part : parts) {
    const Shape& s = m.graph().node(part).shape;
    columns = checked_add(columns, checked_product({s.c(), s.h(), s.w()}));
  }
  const ConstantId weight = m.weight("weight", {features, columns}, where);
  const ConstantId bias = m.weight("bias", {features}, where);
  Value sum;
  int64_t from = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Shape s = m.graph().node(parts[i]).shape;
    conv2d::Desc desc{.in_channels = s.c(), .out_channels = features, .kernel = {s.h(), s.w()}};
    std::vector<Operand> operands;
    if (i > 0) {
      desc.epilogue.append(step::add(Extent::tensor));
      operands.emplace_back(sum);
    }
    const bool last = i + 1 == parts.size();
    if (last) {
      desc.epilogue.append(step::add(Extent::channel));
      operands.emplace_back(bias);
    }
    const Scope named = last ? m : m["part " + std::to_string(i)];
    sum = record(named, parts[i], desc, {filters(m, weight, desc.weight_shape(), from, where)},
                 std::move(operands), where);
    from += s.c() * s.h() * s.w();
  }
  return sum;
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
