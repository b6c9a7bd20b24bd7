// SPDX-License-Identifier: MIT
#include "runtime/graph/nn.h"

#include "runtime/graph/nn_record.h"
#include "runtime/weights/source_line.h"

namespace kintsugi::nn {
namespace {

using graph::ConstantId;
using graph::Operand;

/// A convolution of either kind: its weight, then its bias as the first step.
template <class Desc>
Value convolve(const Scope& m, Value x, Desc desc, bool bias) {
  const ConstantId weight = m.weight("weight", desc.weight_shape());
  std::vector<Operand> operands;
  if (bias) {
    desc.epilogue.append(step::add(Extent::channel));
    operands.push_back(m.weight("bias", {desc.out_channels}));
  }
  return record(m, {x}, desc, {weight}, std::move(operands));
}

/// Columns `from` on of a weight [K, columns], as many as a filter of this shape holds.
ConstantId filters(const Scope& m, ConstantId weight, const Shape& shape, int64_t from) {
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
                         .where = m.where()});
}

}  // namespace

Value conv2d(const Scope& m, Value x, const Conv2d& options) {
  return convolve(m, x,
                  conv2d::Desc{.in_channels = m.graph().node(x).shape.c(),
                               .out_channels = options.channels,
                               .kernel = options.kernel,
                               .stride = options.stride,
                               .dilation = options.dilation,
                               .padding = options.padding,
                               .padding_mode = options.padding_mode},
                  options.bias);
}

Value conv_transpose2d(const Scope& m, Value x, const ConvTranspose2d& options) {
  return convolve(m, x,
                  conv_transpose2d::Desc{.in_channels = m.graph().node(x).shape.c(),
                                         .out_channels = options.channels,
                                         .kernel = options.kernel,
                                         .stride = options.stride,
                                         .dilation = options.dilation,
                                         .padding = options.padding,
                                         .output_padding = options.output_padding},
                  options.bias);
}

// On one picture a linear layer is a convolution whose filters are as large as the picture; on several
// side by side it is the sum of one for each.
Value linear(const Scope& m, std::span<const Value> parts, int64_t features) {
  int64_t columns = 0;
  for (const Value part : parts) {
    const Shape& s = m.graph().node(part).shape;
    columns = checked_add(columns, checked_product({s.c(), s.h(), s.w()}));
  }
  const ConstantId weight = m.weight("weight", {features, columns});
  const ConstantId bias = m.weight("bias", {features});
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
    const Scope named = last ? m : m.inner("part " + std::to_string(i));
    sum = record(named, {parts[i]}, desc, {filters(m, weight, desc.weight_shape(), from)},
                 std::move(operands));
    from += s.c() * s.h() * s.w();
  }
  return sum;
}

Value relu(const Scope& m, Value x) { return apply(m, x, step::activate(Function::relu), {}); }
Value leaky_relu(const Scope& m, Value x, float slope) {
  return apply(m, x, step::activate(Function::leaky_relu, slope), {});
}
Value elu(const Scope& m, Value x) { return apply(m, x, step::activate(Function::elu), {}); }
Value sigmoid(const Scope& m, Value x) {
  return apply(m, x, step::activate(Function::sigmoid), {});
}
Value tanh(const Scope& m, Value x) { return apply(m, x, step::activate(Function::tanh), {}); }
Value silu(const Scope& m, Value x) { return apply(m, x, step::activate(Function::silu), {}); }
Value clamp(const Scope& m, Value x, float low, float high) {
  return apply(m, x, step::clamp(low, high), {});
}

Value gate(const Scope& m, Value x, Function feature, Function gate, float slope) {
  return apply(m, x, step::gate(feature, gate, slope), {});
}

Value add(const Scope& m, Value a, Value b) {
  if (!(m.graph().node(a).shape == m.graph().node(b).shape)) {
    throw Error(ErrorCode::mismatch, m.path() + " (" + weights::source_line(m.where()) +
                                         "): cannot add " + m.graph().node(b).shape.to_string() +
                                         " to " + m.graph().node(a).shape.to_string());
  }
  return apply(m, a, step::add(Extent::tensor), {b});
}

Value pad(const Scope& m, Value x, int64_t amount, PaddingMode mode) {
  return record(
      m, {x},
      pad::Desc{.top = amount, .bottom = amount, .left = amount, .right = amount, .mode = mode}, {},
      {});
}

Value mul(const Scope& m, Value a, Value b) {
  const Shape& factor = m.graph().node(b).shape;
  const Extent extent = factor == m.graph().node(a).shape    ? Extent::tensor
                        : factor.h() == 1 && factor.w() == 1 ? Extent::sample_channel
                                                             : Extent::pixel;
  return apply(m, a, step::mul(extent), {b});
}

Value interpolate(const Scope& m, Value x, const Interpolate& options) {
  return record(
      m, {x},
      resample::Desc{
          .size = options.size, .mode = options.mode, .align_corners = options.align_corners},
      {}, {});
}

Value upsample_nearest(const Scope& m, Value x, int64_t factor) {
  const Shape& s = m.graph().node(x).shape;
  return interpolate(m, x,
                     {.size = {checked_multiply(factor, s.h()), checked_multiply(factor, s.w())}});
}

Value max_pool2d(const Scope& m, Value x, const Pool2d& options) {
  return record(m, {x},
                pool::Desc{.mode = pool::Mode::max,
                           .kernel = options.kernel,
                           .stride = options.stride,
                           .padding = options.padding},
                {}, {});
}

Value avg_pool2d(const Scope& m, Value x, const Pool2d& options) {
  return record(m, {x},
                pool::Desc{.mode = pool::Mode::average,
                           .kernel = options.kernel,
                           .stride = options.stride,
                           .padding = options.padding,
                           .count_include_pad = options.count_include_pad},
                {}, {});
}

Value global_avg_pool2d(const Scope& m, Value x) { return record(m, {x}, reduce::Desc{}, {}, {}); }

// The picture without its holes, convolved; what each sum lacks of its window made good, the bias, and
// nothing where nothing was known.
Masked partial_conv2d(const Scope& m, Value x, Value mask, const PartialConv2d& options) {
  const int64_t channels = m.graph().node(x).shape.c();
  const bool made = m.graph().node(mask).shape.c() == 2;
  const graph::Operand known =
      made ? graph::Operand(graph::Part{mask, partial_mask::kValid}) : graph::Operand(mask);
  const Value holes = record(m.inner("mask"), {mask},
                             partial_mask::Desc{.kernel = options.kernel,
                                                .stride = options.stride,
                                                .dilation = options.dilation,
                                                .padding = options.padding,
                                                .channels = {channels, 0},
                                                .form = options.form},
                             {}, {});
  conv2d::Desc desc{.in_channels = channels,
                    .out_channels = options.channels,
                    .kernel = options.kernel,
                    .stride = options.stride,
                    .dilation = options.dilation,
                    .padding = options.padding};
  const ConstantId weight = m.weight("weight", desc.weight_shape());
  desc.epilogue.append(step::mul(Extent::pixel));
  std::vector<Operand> operands{graph::Part{holes, partial_mask::kRatio}};
  if (options.bias) {
    desc.epilogue.append(step::add(Extent::channel));
    desc.epilogue.append(step::mul(Extent::pixel));
    operands.emplace_back(m.weight("bias", {options.channels}));
    operands.emplace_back(graph::Part{holes, partial_mask::kValid});
  }
  const Value without = apply(m.inner("input"), x, step::mul(Extent::pixel), {known});
  return {record(m, {without}, desc, {weight}, std::move(operands)), holes};
}

}  // namespace kintsugi::nn
