// SPDX-License-Identifier: MIT
//
// The layers of random graphs: what networks write, and what they might.
#include "tests/plan/random_graphs.h"

namespace kintsugi::test {

using graph::Value;

Value RandomGraph::convolve(Value x, conv2d::Desc desc, std::optional<graph::ConstantId> weight) {
  desc.in_channels = shape(x).c();
  const auto terms = static_cast<double>(desc.in_channels * desc.kernel.h * desc.kernel.w);
  Operands read;
  if (!one_in(4)) {
    desc.epilogue.append(step::add(Extent::channel));
    read.emplace_back(constant({desc.out_channels}, 0.25));
  }
  if (one_in(8)) desc.epilogue.append(step::activate(function(), 0.25f));
  if (!weight) weight = constant(desc.weight_shape(), 1.5 / std::sqrt(terms));
  return record("conv", {x}, desc, {*weight}, std::move(read));
}

Value RandomGraph::same_size(Value x, int64_t channels) {
  return convolve(x, {.out_channels = channels,
                      .kernel = 3,
                      .padding = 1,
                      .padding_mode = one_of({PaddingMode::zero, PaddingMode::reflect})});
}

/// What networks write behind a convolution, in any order.
Value RandomGraph::behind(Value x) {
  if (one_in(4))
    keep(apply(x, step::activate(function(), 0.25f), {}));  // reads it beside what follows
  for (int64_t count = pick(0, 3); count > 0; --count) {
    switch (pick(0, 4)) {
      case 0: x = apply(x, step::affine(Extent::channel)); break;
      case 1: x = some_norm(x); break;
      case 2: x = apply(x, some_step()); break;
      default: x = apply(x, step::activate(function(), 0.25f)); break;
    }
  }
  return keep(x);
}

Value RandomGraph::some_conv(Value x) {
  const Shape of = shape(x);
  conv2d::Desc desc{
      .out_channels = one_of<int64_t>({pick(1, 4), pick(1, 12), pick(1, 12), pick(13, 36)}),
      .kernel = 3,
      .padding = pick(0, 1)};
  switch (pick(0, 7)) {
    case 0: desc.kernel = 1; break;
    case 1: desc.kernel = {pick(1, 5), pick(1, 5)}; break;
    case 2: desc.stride = {pick(1, 2), 2}; break;
    case 3: desc.dilation = 2; break;
    case 4:
      if (of.h() * of.w() * of.c() <= 400) desc.kernel = {of.h(), of.w()};  // a linear layer
      desc.padding = 0;
      break;
    default: break;
  }
  if (one_in(3)) desc.padding = {pick(0, 2), pick(0, 2)};
  if (one_in(3)) desc.padding_mode = PaddingMode::reflect;
  return behind(convolve(x, desc));
}

/// Two convolutions that share a weight; a gate behind one of them can change its packed order.
Value RandomGraph::twins(Value x) {
  conv2d::Desc desc{.out_channels = 2 * pick(1, 10), .kernel = 3, .padding = 1};
  const Value first = convolve(x, desc);
  desc.dilation = pick(1, 2);
  desc.padding = desc.dilation;
  const Value second = convolve(x, desc, graph.node(first).weights[0]);
  const Function feature = function();
  keep(apply(second, step::gate(feature, function(), 0.25f), {}));
  return behind(first);
}

/// A convolution whose padding and prologue can absorb what stands before it: pads, steps, an enlargement.
Value RandomGraph::read_through(Value x) {
  for (int64_t count = pick(1, 3); count > 0; --count) {
    const Shape of = shape(x);
    switch (pick(0, 4)) {
      case 0: {
        const int64_t border = pick(1, 2);
        const auto mode = one_in(2) ? PaddingMode::zero : PaddingMode::reflect;
        if (!roomy(of.h() + 4, of.w() + 4)) break;
        x = record("pad", {x}, pad::Desc{border, border, border, border, mode});
        break;
      }
      case 1:
        if (!roomy(2 * of.h(), 2 * of.w())) break;
        x = record("resample", {x}, resample::Desc{.size = {2 * of.h(), 2 * of.w()}});
        break;
      case 2: x = some_norm(x); break;
      default: x = apply(x, some_step()); break;
    }
  }
  conv2d::Desc desc{.out_channels = pick(1, 10), .kernel = one_in(3) ? 1 : 3};
  if (one_in(3)) desc.padding = 1;
  return one_in(5) ? some_deconv(x) : behind(convolve(x, desc));
}

Value RandomGraph::some_deconv(Value x) {
  const Shape of = shape(x);
  conv_transpose2d::Desc desc{.in_channels = of.c(),
                              .out_channels = pick(1, 12),
                              .kernel = {pick(2, 4), pick(2, 4)},
                              .stride = one_of<Pair>({1, 2, {1, 2}}),
                              .padding = pick(0, 1)};
  if (one_in(2)) desc.dilation = 2;
  if (!one_in(3)) desc.output_padding = {pick(0, desc.stride.h - 1), pick(0, desc.stride.w - 1)};
  if (!roomy(of.h() * desc.stride.h, of.w() * desc.stride.w)) return x;
  Operands read;
  if (one_in(2)) {
    desc.epilogue.append(step::add(Extent::channel));
    read.emplace_back(constant({desc.out_channels}, 0.25));
  }
  const auto terms = static_cast<double>(of.c() * desc.kernel.h * desc.kernel.w) /
                     static_cast<double>(desc.stride.h * desc.stride.w);
  const auto weight = constant(desc.weight_shape(), 1.5 / std::sqrt(terms));
  return behind(record("deconv", {x}, desc, {weight}, std::move(read)));
}

/// A convolution that the CPU's policy runs in Winograd's form, with something that it reads through.
Value RandomGraph::winograd(Value x) {
  if (const Shape of = shape(x); of.h() < 30 || of.w() < 30) {
    x = record("resample", {x}, resample::Desc{.size = {2 * of.h(), 2 * of.w()}});
  }
  x = convolve(x, {.out_channels = 32});
  for (int64_t count = pick(0, 2); count > 0; --count)
    x = one_in(2) ? some_norm(x) : apply(x, some_step());
  const int64_t dilation = one_in(4) ? 2 : 1;
  return behind(convolve(x, {.out_channels = 4 * pick(8, 10),
                             .kernel = 3,
                             .dilation = dilation,
                             .padding = dilation,
                             .padding_mode = one_of({PaddingMode::zero, PaddingMode::reflect})}));
}

Value RandomGraph::residual(Value x) {
  const auto others = like(x);
  const Value other = one_in(2) || others.empty() ? behind(same_size(x, shape(x).c())) : others[0];
  if (!(shape(other) == shape(x))) return x;
  const Step step = one_in(4) ? step::mul(Extent::tensor) : step::add(Extent::tensor);
  return keep(one_in(2) ? apply(x, step, {other}) : apply(other, step, {x}));
}

/// A pad, mostly before one or two convolutions without a padding of their own.
Value RandomGraph::some_pad(Value x) {
  const Shape of = shape(x);
  pad::Desc desc{pick(0, 2), pick(0, 2), pick(0, 2), pick(0, 2),
                 one_of({PaddingMode::zero, PaddingMode::reflect})};
  if (one_in(3)) {
    desc.bottom = desc.top;
    desc.right = desc.left;
  }
  if (!roomy(of.h() + 4, of.w() + 4)) return x;
  const bool shared = one_in(3);  // two convolutions would absorb it; a third node reads it
  if (shared) desc.bottom = desc.top = desc.left = desc.right = 1;
  const Value padded = record("pad", {x}, desc);
  for (int64_t count = shared ? 2 : pick(0, 2); count > 0; --count) {
    x = convolve(padded, {.out_channels = pick(1, 10), .kernel = {pick(1, 3), 3}});
    x = shared ? keep(x) : behind(x);
  }
  if (shared) return keep(apply(padded, step::activate(function(), 0.25f), {}));
  if (one_in(3)) keep(padded);
  return x;
}

Value RandomGraph::some_resample(Value x) {
  if (one_in(2) && !wide) x = convolve(x, {.out_channels = pick(1, 9), .kernel = 2, .stride = 2});
  const Shape of = shape(x);
  resample::Desc desc{.size = {2 * of.h(), 2 * of.w()}};
  if (!roomy(desc.size.h, desc.size.w) || one_in(3)) desc.size = {pick(2, 12), pick(2, 12)};
  if (one_in(3)) {
    desc.mode = resample::Mode::bilinear;
    desc.align_corners = one_in(2);
  }
  x = record("resample", {x}, desc);
  if (one_in(3)) return keep(x);
  return one_in(4) ? some_deconv(x) : behind(same_size(x, pick(1, 10)));
}

/// Of groups with enough in them; their variance is not a matter of one ulp.
Value RandomGraph::statistics(Value x) {
  const Shape of = shape(x);
  int64_t groups = one_of<int64_t>({1, of.c(), of.c() % 2 == 0 ? of.c() / 2 : of.c()});
  if (of.h() * of.w() < 6) groups = 1;
  norm::Desc desc{.groups = groups, .eps = one_of({1e-1, 1e-2, 1e-3}), .affine = one_in(2)};
  std::vector<graph::ConstantId> weights;
  if (desc.affine) weights = {constant({of.c()}, 0.5, 1), constant({of.c()}, 0.5)};
  norms_.push_back(record("norm", {x}, desc, weights));
  return norms_.back();
}

/// The affine that applies a norm, or its two halves.
Value RandomGraph::some_norm(Value x) {
  const Shape of = shape(x);
  if (of.h() * of.w() * of.c() < 12) return x;
  const Value known = statistics(x);
  if (one_in(6)) {
    x = apply(x, step::mul(Extent::sample_channel), {known});
    return keep(apply(x, step::add(Extent::sample_channel), {shift_of(known)}));
  }
  const Value y = apply(x, step::affine(Extent::sample_channel), {known, shift_of(known)});
  if (!one_in(6)) return y;
  const Value other = statistics(x);  // of the same picture
  const Value z = apply(x, step::affine(Extent::sample_channel), {other, shift_of(other)});
  return keep(apply(y, step::add(Extent::tensor), {z}));
}

Value RandomGraph::some_layer_norm(Value x) {
  const int64_t channels = shape(x).c();
  if (channels < 3) return x;
  layer_norm::Desc desc{.eps = one_of({1e-1, 1e-2}), .affine = one_in(2)};
  std::vector<graph::ConstantId> weights;
  if (desc.affine) weights = {constant({channels}, 0.5, 1), constant({channels}, 0.5)};
  return behind(record("layer_norm", {x}, desc, weights));
}

/// Images of one size side by side, of any channels, one of them twice now and then.
Value RandomGraph::some_concat(Value x) {
  const Shape of = shape(x);
  std::vector<Value> fitting;
  for (const Value value : pool_) {
    const Shape& s = shape(value);
    if (s.n() == of.n() && s.h() == of.h() && s.w() == of.w()) fitting.push_back(value);
  }
  std::vector<Value> parts{one_in(2) ? x : same_size(x, 8 * pick(1, 2))};
  for (int64_t count = pick(1, 3); count > 0; --count) {
    parts.push_back(one_in(2) || fitting.empty() ? same_size(x, one_in(2) ? 8 : pick(1, 9))
                                                 : among(fitting));
  }
  return record("concat", parts, concat::Desc{});
}

/// A dense block of two or three layers, in either spelling, and something else that begins as it does.
Value RandomGraph::dense(Value x) {
  x = same_size(x, 8 * pick(1, 2));
  const bool nested = one_in(2);
  std::vector<Value> all{x};
  Value joined = x;
  for (int64_t count = pick(2, 3); count > 0; --count) {
    Value more = same_size(joined, one_in(4) ? pick(1, 7) : 8);
    if (one_in(2)) more = apply(more, step::activate(function(), 0.25f));
    all.push_back(more);
    joined = record("concat", nested ? std::vector{joined, more} : all, concat::Desc{});
    if (one_in(4)) keep(joined);
    if (one_in(6)) keep(record("concat", {x, same_size(x, 8)}, concat::Desc{}));
  }
  return behind(same_size(joined, pick(1, 10)));
}

/// As many images as a launch of concat takes, or more, then another concat that begins or ends with them.
Value RandomGraph::many(Value x) {
  x = same_size(x, 8);
  const auto part = [&] {
    return one_in(3) ? same_size(x, one_in(4) ? pick(1, 7) : 8)
                     : apply(x, step::activate(function(), 0.25f), {});
  };
  std::vector<Value> link;
  for (int64_t count = pick(8, 11); count > 0; --count) link.push_back(part());
  const Value first = record("concat", link, concat::Desc{});
  link = {first};
  const bool before = one_in(2);
  for (int64_t count = pick(1, 3); count > 0; --count) {
    link.insert(before ? link.end() : link.begin(), part());
  }
  x = record("concat", link, concat::Desc{});
  return behind(convolve(x, {.out_channels = pick(1, 10)}));
}

/// Some channels of an image, mostly whole groups.
Value RandomGraph::some_slice(Value x) {
  if (one_in(2)) x = same_size(x, 8 * pick(2, 3));
  const int64_t channels = shape(x).c();
  int64_t first = pick(0, channels - 1);
  if (!one_in(3)) first -= first % 8;
  int64_t count = pick(1, channels - first);
  if (!one_in(3) && count >= 8) count -= count % 8;
  x = record("slice", {x}, copy::Desc{.first = first, .channels = count});
  if (one_in(3)) keep(x);
  return one_in(2) ? keep(apply(x, some_step())) : behind(same_size(x, pick(1, 10)));
}

Value RandomGraph::some_pool(Value x) {
  const Pair kernel{pick(1, 3), pick(2, 3)};
  return keep(record("pool", {x},
                     pool::Desc{.mode = one_of({pool::Mode::max, pool::Mode::average}),
                                .kernel = kernel,
                                .stride = {pick(1, 2), pick(1, 2)},
                                .padding = {pick(0, kernel.h / 2), pick(0, kernel.w / 2)},
                                .count_include_pad = one_in(2)}));
}

/// The mean, or a sum made as small; where types may mix, back onto the picture through a small layer.
Value RandomGraph::some_reduce(Value x) {
  const Shape of = shape(x);
  const reduce::Desc desc{
      one_of({reduce::Reduction::mean, reduce::Reduction::sum, reduce::Reduction::max}),
      one_of({reduce::Over::pixels, reduce::Over::channels})};
  Value small = record("reduce", {x}, desc);
  const bool pixels = desc.over == reduce::Over::pixels;
  if (desc.reduction == reduce::Reduction::sum) {
    small = apply(small, step::mul(pixels ? 1.0f / 64 : 0.25f), {});
  }
  if (one_in(2)) small = convolve(small, {.out_channels = pixels ? of.c() : 1});
  if (one_in(2)) small = apply(small, step::activate(Function::sigmoid), {});
  keep(small);
  if (!mixes) return x;
  const Extent extent = pixels ? Extent::sample_channel : Extent::pixel;
  return keep(apply(x, one_in(2) ? step::mul(extent) : step::add(extent), {small}));
}

/// A gate, mostly behind a convolution, and sometimes straight before one.
Value RandomGraph::gated(Value x) {
  if (shape(x).c() % 2 != 0 || one_in(2)) {
    x = same_size(x, 2 * pick(1, 10));
    if (one_in(3)) x = apply(x, step::affine(Extent::channel));
    if (one_in(3)) x = apply(x, some_step());
  }
  const Function feature = function();
  if (one_in(4)) {  // one node, with a step before and one behind
    const Steps list{step::affine(0.5f, 0.25f), step::gate(feature, function(), 0.25f),
                     step::clamp(-0.75f, 1.5f)};
    return keep(record("steps", {x}, elementwise::Desc{.steps = list}));
  }
  x = apply(x, step::gate(feature, one_in(3) ? Function::sigmoid : function(), 0.25f), {});
  if (one_in(3)) keep(x);
  return one_in(2) ? behind(same_size(x, pick(1, 10))) : keep(x);
}

/// A partial convolution with one or two masks. Its steps are part of its node or nodes of their own.
Value RandomGraph::partial(Value x) {
  const Shape of = shape(x);
  const Value mask = mask_for(of);
  kintsugi::partial_mask::Desc holes{
      .kernel = {pick(1, 3), 3},
      .stride = pick(1, 2),
      .padding = pick(0, 1),
      .channels = {of.c(), 0},
      .form = one_of({kintsugi::partial_mask::Form::paper, kintsugi::partial_mask::Form::naoto})};
  if (one_in(4)) holes.dilation = 2;
  std::vector<Value> planes{mask};
  if (of.c() > 1 && one_in(3)) {
    const int64_t first = pick(1, of.c() - 1);
    holes.channels = {first, of.c() - first};
    planes.push_back(mask_for(of));
  }
  const Value made = partial_mask(planes, holes);
  masks_.push_back(made);
  const Value without = apply(x, step::mul(Extent::pixel), {mask});
  conv2d::Desc desc{.in_channels = of.c(),
                    .out_channels = pick(1, 10),
                    .kernel = holes.kernel,
                    .stride = holes.stride,
                    .dilation = holes.dilation,
                    .padding = holes.padding};
  const auto weight = constant(desc.weight_shape(), 1 / std::sqrt(static_cast<double>(of.c() * 9)));
  const Steps list{step::mul(Extent::pixel), step::add(Extent::channel), step::mul(Extent::pixel)};
  const Operands read{ratio_of(made), constant({desc.out_channels}, 0.25), made};
  if (one_in(2)) {
    desc.epilogue = list;
    return behind(record("conv", {without}, desc, {weight}, read));
  }
  Value y = record("conv", {without}, desc, {weight});
  for (int i = 0; i < list.size(); ++i) y = apply(y, list[i], {read[static_cast<size_t>(i)]});
  return behind(y);
}

}  // namespace kintsugi::test
