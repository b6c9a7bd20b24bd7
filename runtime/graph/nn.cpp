// SPDX-License-Identifier: MIT
#include "runtime/graph/nn.h"

#include "kernels/concat/concat.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/copy/copy.h"
#include "kernels/pad/pad.h"
#include "kernels/pool/pool.h"
#include "kernels/reduce/reduce.h"

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

/// A single number [1] as a vector [C].
ConstantId repeated(const Scope& m, ConstantId number, int64_t channels) {
  graph::Graph& graph = m.graph();
  return graph.constant(
      {.name = graph.constant(number).name + " for " + std::to_string(channels) + " channels",
       .shape = {channels},
       .sources = {number},
       .formula =
           [channels](std::span<const std::vector<double>> s) {
             return std::vector<double>(static_cast<size_t>(channels), s[0][0]);
           },
       .where = m.where()});
}

}  // namespace

Value conv2d(const Scope& m, Value x, const Conv2d& options) {
  return convolve(m, x,
                  conv2d::Desc{.in_channels = m.graph().shape(x).c(),
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
                  conv_transpose2d::Desc{.in_channels = m.graph().shape(x).c(),
                                         .out_channels = options.channels,
                                         .kernel = options.kernel,
                                         .stride = options.stride,
                                         .dilation = options.dilation,
                                         .padding = options.padding,
                                         .output_padding = options.output_padding},
                  options.bias);
}

// A convolution whose filters are as large as the image: its weight is the same numbers in the same order.
Value linear(const Scope& m, Value x, int64_t features) {
  const Shape& s = m.graph().shape(x);
  const conv2d::Desc desc{.in_channels = s.c(),
                          .out_channels = features,
                          .kernel = {s.h(), s.w()},
                          .epilogue = {step::add(Extent::channel)}};
  const ConstantId weight = m.weight("weight", {features, checked_product({s.c(), s.h(), s.w()})});
  const ConstantId filters = m.graph().constant(
      {.name = m.graph().constant(weight).name + " as " + desc.weight_shape().to_string(),
       .shape = desc.weight_shape(),
       .sources = {weight},
       .formula = [](std::span<const std::vector<double>> stored) { return stored[0]; },
       .where = m.where()});
  return record(m, {x}, desc, {filters}, {m.weight("bias", {features})});
}

Value activate(const Scope& m, Value x, Function function, float slope) {
  return apply(m, x, step::activate(function, slope), {});
}

Value prelu(const Scope& m, Value x, int64_t parameters) {
  const int64_t channels = m.graph().shape(x).c();
  ConstantId weight = m.weight("weight", {parameters});
  if (parameters == 1 && channels != 1) weight = repeated(m, weight, channels);
  return apply(m, x, step::prelu(Extent::channel), {weight});
}

Value clamp(const Scope& m, Value x, float low, float high) {
  return apply(m, x, step::clamp(low, high), {});
}

Value gate(const Scope& m, Value x, Function feature, Function gate, float slope) {
  return apply(m, x, step::gate(feature, gate, slope), {});
}

Value add(const Scope& m, Value a, Value b) {
  if (!(m.graph().shape(a) == m.graph().shape(b))) {
    throw Error(ErrorCode::mismatch, m.path() + " (" + weights::source_line(m.where()) +
                                         "): cannot add " + m.graph().shape(b).to_string() +
                                         " to " + m.graph().shape(a).to_string());
  }
  return apply(m, a, step::add(Extent::tensor), {b});
}

Value pad(const Scope& m, Value x, int64_t amount, PaddingMode mode) {
  return record(
      m, {x},
      pad::Desc{.top = amount, .bottom = amount, .left = amount, .right = amount, .mode = mode}, {},
      {});
}

Value concat(const Scope& m, std::span<const Value> parts) {
  return record(m, {parts.begin(), parts.end()}, concat::Desc{}, {}, {});
}

Value slice(const Scope& m, Value x, int64_t first, int64_t channels) {
  return record(m, {x}, copy::Desc{.first = first, .channels = channels}, {}, {});
}

Value mul(const Scope& m, Value a, Value b) {
  const Shape& factor = m.graph().shape(b);
  const Extent extent = factor == m.graph().shape(a)         ? Extent::tensor
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
  const Shape& s = m.graph().shape(x);
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
  const int64_t channels = m.graph().shape(x).c();
  const Value ratio = record(m.inner("mask"), {mask},
                             partial_mask::Desc{.kernel = options.kernel,
                                                .stride = options.stride,
                                                .dilation = options.dilation,
                                                .padding = options.padding,
                                                .channels = {channels, 0},
                                                .form = options.form},
                             {}, {});
  const Value valid{ratio.node, 1};
  conv2d::Desc desc{.in_channels = channels,
                    .out_channels = options.channels,
                    .kernel = options.kernel,
                    .stride = options.stride,
                    .dilation = options.dilation,
                    .padding = options.padding};
  const ConstantId weight = m.weight("weight", desc.weight_shape());
  desc.epilogue.append(step::mul(Extent::pixel));
  std::vector<Operand> operands{ratio};
  if (options.bias) {
    desc.epilogue.append(step::add(Extent::channel));
    desc.epilogue.append(step::mul(Extent::pixel));
    operands.emplace_back(m.weight("bias", {options.channels}));
    operands.emplace_back(valid);
  }
  const Value without = apply(m.inner("input"), x, step::mul(Extent::pixel), {mask});
  return {record(m, {without}, desc, {weight}, std::move(operands)), valid};
}

}  // namespace kintsugi::nn
