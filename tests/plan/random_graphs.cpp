// SPDX-License-Identifier: MIT
//
// What a random graph is made of and in which order; its layers stand in random_layers.cpp.
#include "tests/plan/random_graphs.h"

namespace kintsugi::test {

using graph::Operand;
using graph::Value;

// Mostly what is recent: chains grow, and old values find a second reader now and then.
Value RandomGraph::any() {
  const auto last = static_cast<int64_t>(pool_.size()) - 1;
  const int64_t first = one_in(6) ? 0 : std::max<int64_t>(0, last - 3);
  return pool_[static_cast<size_t>(pick(first, last))];
}

Value RandomGraph::keep(Value value) {
  const Shape& of = shape(value);
  const bool small = of.h() * of.w() < 4;
  (small && !one_in(4) ? ends_ : pool_).push_back(value);
  return value;
}

bool RandomGraph::roomy(int64_t height, int64_t width) const {
  return height * width <= (wide ? 36 * 36 : 14 * 14);
}

/// Pictures that a tensor step can read beside `x`, itself included.
std::vector<Value> RandomGraph::like(Value x) {
  std::vector<Value> found;
  for (const Value value : pool_) {
    if (shape(value) == shape(x) && (mixes || exact(value) == exact(x))) found.push_back(value);
  }
  return found;
}

std::vector<Value> RandomGraph::of_shape(const std::vector<Value>& values,
                                         const Shape& wanted) const {
  std::vector<Value> found;
  for (const Value value : values) {
    if (shape(value) == wanted) found.push_back(value);
  }
  return found;
}

/// A channel vector that nodes compute, for steps on `x`.
Value RandomGraph::vector(Value x, int64_t channels) {
  const Shape of = shape(x), stored{1, channels, 1, 1};
  if (mixes && one_in(2)) {
    if (const auto small = of_shape(pool_, stored); !small.empty()) return among(small);
    if (of.n() == 1 && channels == of.c()) return record("reduce", {x}, reduce::Desc{});
  }
  const Value style = input({1, one_in(2) ? channels : pick(1, 9), 1, 1}, true);
  const Value linear =
      shape(style) == stored && one_in(2) ? style : convolve(style, {.out_channels = channels});
  return one_in(3) ? linear : apply(linear, step::affine(0.5f, 0.25f), {});
}

std::optional<Operand> RandomGraph::operand(Value x, Extent extent, int64_t channels, bool factor) {
  const Shape of = shape(x);
  if (extent == Extent::channel) return constant({channels}, 0.5, factor ? 1 : 0);
  if (extent == Extent::sample_channel) {
    const Shape stored{of.n(), channels, 1, 1};
    if (mixes && one_in(2)) {
      if (const auto small = of_shape(pool_, stored); !small.empty()) return among(small);
      if (channels == of.c()) return record("reduce", {x}, reduce::Desc{});
    }
    const auto norms = of_shape(norms_, stored);
    if (!norms.empty() && one_in(2)) return factor ? norms[0] : shift_of(norms[0]);
    const Value style = input(stored, true);
    return one_in(3) ? apply(style, step::affine(0.5f, 0.25f)) : style;
  }
  if (extent == Extent::pixel) {
    const Shape stored{of.n(), 1, of.h(), of.w()};
    if (mixes && one_in(2)) {
      if (const auto planes = of_shape(pool_, stored); !planes.empty()) return among(planes);
      return record("reduce", {x}, reduce::Desc{.over = reduce::Over::channels});
    }
    return mask_for(of);
  }
  const auto others = like(x);
  if (others.empty() || channels != of.c()) return std::nullopt;
  return among(others);
}

/// What `step` reads beside a value of `channels` made of `x`; none where there is no such thing.
std::optional<RandomGraph::Operands> RandomGraph::operands(Value x, const Step& step,
                                                           int64_t channels) {
  Operands all;
  // Most affines read constants, because fold takes only those.
  const bool computed =
      step.extent == Extent::channel && one_in(step.kind == Step::Kind::affine ? 4 : 2);
  for (int i = 0; i < step.operand_count(); ++i) {
    if (computed && (i == 0 || one_in(2))) {
      all.emplace_back(vector(x, channels));
      continue;
    }
    const auto one = operand(x, step.extent, channels, i == 0 && step.kind != Step::Kind::add);
    if (!one) return std::nullopt;
    all.push_back(*one);
  }
  return all;
}

Step RandomGraph::some_step() {
  const Extent extent = one_of(
      {Extent::scalar, Extent::channel, Extent::sample_channel, Extent::pixel, Extent::tensor});
  switch (pick(0, 6)) {
    case 6: return extent == Extent::scalar ? step::prelu(-0.25f) : step::prelu(extent);
    case 0: return extent == Extent::scalar ? step::add(0.25f) : step::add(extent);
    case 1: return extent == Extent::scalar ? step::mul(-0.75f) : step::mul(extent);
    case 2: return extent == Extent::scalar ? step::affine(0.5f, 0.25f) : step::affine(extent);
    case 3: return step::clamp(-0.75f, 1.5f);
    default: return step::activate(function(), 0.25f);
  }
}

Value RandomGraph::apply(Value x, const Step& step, Operands operands) {
  return record("step", {x}, elementwise::Desc{.steps = {step}}, {}, std::move(operands));
}

/// Without the step where it finds no operand.
Value RandomGraph::apply(Value x, const Step& step) {
  const auto read = operands(x, step, shape(x).c());
  return read ? apply(x, step, *read) : x;
}

/// One node of up to three steps, a gate among them now and then.
Value RandomGraph::some_steps(Value x) {
  Steps list;
  Operands all;
  int64_t channels = shape(x).c();
  for (int64_t count = one_in(3) ? pick(2, 3) : 1; count > 0; --count) {
    if (channels % 2 == 0 && list.gate() < 0 && one_in(5)) {
      const Function feature = function();
      list.append(step::gate(feature, function(), 0.25f));
      channels /= 2;
      continue;
    }
    const Step step = some_step();
    const auto read = operands(x, step, channels);
    if (!read) continue;
    list.append(step);
    all.insert(all.end(), read->begin(), read->end());
  }
  if (list.empty()) return x;
  return keep(record("steps", {x}, elementwise::Desc{.steps = list}, {}, std::move(all)));
}

/// More steps in a row than one list holds.
Value RandomGraph::chain(Value x) {
  for (int64_t count = pick(5, 10); count > 0; --count) x = apply(x, some_step());
  return keep(x);
}

/// A mask of a picture's size: one that is there, one made of it, or an input.
Value RandomGraph::mask_for(const Shape& of) {
  std::vector<Value> fitting;
  for (const Value mask : masks_) {
    const Shape& s = shape(mask);
    if (s.n() == of.n() && s.h() == of.h() && s.w() == of.w()) fitting.push_back(mask);
  }
  if (!fitting.empty()) return among(fitting);
  if (!masks_.empty() && shape(masks_.back()).n() == of.n() && one_in(2)) {
    const auto mode = one_of({resample::Mode::nearest, resample::Mode::bilinear});
    masks_.push_back(record("resample", {masks_.back()},
                            resample::Desc{.size = {of.h(), of.w()}, .mode = mode}));
  } else {
    masks_.push_back(input({of.n(), 1, of.h(), of.w()}, true));
  }
  return masks_.back();
}

/// A mask made of another one.
void RandomGraph::another_mask() {
  if (masks_.empty()) static_cast<void>(mask_for(shape(any())));
  const Value mask = masks_.back();
  const Shape of = shape(mask);
  switch (pick(0, 5)) {
    case 0:
      if (!roomy(of.h() + 2, of.w() + 2)) return;
      masks_.push_back(record("pad", {mask}, pad::Desc{1, 1, 1, 1, PaddingMode::zero}));
      break;
    case 1: masks_.push_back(apply(mask, step::affine(-1.0f, 1.0f), {})); break;
    case 2: masks_.push_back(apply(mask, step::clamp(0.0f, 0.5f), {})); break;
    case 3:
      masks_.push_back(record(
          "pool", {mask},
          pool::Desc{
              .mode = one_of({pool::Mode::max, pool::Mode::average}), .kernel = 3, .padding = 1}));
      break;
    case 4: masks_.push_back(partial_mask({mask}, {.kernel = 3, .padding = 1})); break;
    default:
      if (mixes) keep(mask);
      break;
  }
}

/// Statistics of either value of an op that makes two: partial_mask, or a norm.
void RandomGraph::norm_of_two() {
  const auto normed = [&](Value value) {
    const Value known = statistics(value);
    return apply(value, step::affine(Extent::sample_channel), {known, shift_of(known)});
  };
  if (!norms_.empty() && shape(norms_.back()).c() > 3 && one_in(2)) {
    const Value scale = norms_.back();
    ends_.push_back(normed(one_in(2) ? scale : shift_of(scale)));
    return;
  }
  const Value valid = partial_mask({mask_for(shape(any()))}, {.kernel = 3, .padding = 1});
  const Value plane = normed(one_in(2) ? valid : ratio_of(valid));
  if (mixes) {
    keep(plane);
  } else {  // partial_mask must not read it: its definition jumps where a sum of values is near zero
    ends_.push_back(plane);
  }
}

void RandomGraph::draw_something() {
  const Value x = any();
  switch (pick(0, 37)) {
    case 0:
    case 1:
    case 2:
    case 3: some_conv(x); break;
    case 4:
    case 26: some_deconv(x); break;
    case 5:
    case 6: some_steps(x); break;
    case 7:
    case 8: residual(x); break;
    case 9:
    case 10: some_pad(x); break;
    case 11:
    case 27: some_resample(x); break;
    case 12: keep(some_norm(x)); break;
    case 13: some_layer_norm(x); break;
    case 14: some_pool(x); break;
    case 15:
    case 31:
    case 32: some_reduce(x); break;
    case 16:
    case 17:
    case 18: gated(x); break;
    case 19: chain(x); break;
    case 20:
    case 21: partial(x); break;
    case 28: twins(x); break;
    case 29:
    case 30: read_through(x); break;
    case 22: keep(some_concat(x)); break;
    case 23: dense(x); break;
    case 24: some_slice(x); break;
    case 25: keep(state(shape(x))); break;
    case 33: many(x); break;
    case 34:
    case 35:
    case 36: norm_of_two(); break;
    default: another_mask(); break;
  }
}

void RandomGraph::draw_outputs() {
  std::vector<Value> candidates = pool_;
  for (const auto* more : {&ends_, &masks_, &norms_}) {
    candidates.insert(candidates.end(), more->begin(), more->end());
  }
  std::vector<Value> chosen{pool_.back()};
  for (int64_t count = pick(1, 3); count > 0; --count) {
    chosen.push_back(among(candidates));
  }
  // Most of what nothing reads, or it would be dead.
  std::vector<bool> is_read(graph.nodes.size(), false);
  for (const graph::Node& node : graph.nodes) {
    for (const Value value : graph::reads(node)) is_read[static_cast<size_t>(value.node)] = true;
  }
  for (const Value value : candidates) {
    if (!is_read[static_cast<size_t>(value.node)] && !one_in(4)) chosen.push_back(value);
  }
  for (const Value value : chosen) {
    const bool again = std::ranges::count(graph.outputs, value, &graph::Port::value) > 0;
    const bool is_input = graph.node(value).op() == nullptr;
    if ((again || is_input) && !one_in(4)) continue;
    graph.output("out" + std::to_string(graph.outputs.size()), value);
  }
}

void RandomGraph::draw(const std::vector<graph::State>& states) {
  wide = one_in(12);
  mixes = one_in(3);
  const int64_t n = wide ? 1 : pick(1, 2);
  const int64_t low = wide ? 32 : 4, high = wide ? 34 : 12;
  const Shape first{n, pick(1, 9), pick(low, high), pick(low, high)};
  pool_.push_back(input(first, false));
  if (one_in(3)) pool_.push_back(input({n, pick(1, 9), first.h(), pick(low, high)}, false));
  if (one_in(3)) pool_.push_back(input(first, false));
  declares_ = states.empty();
  for (const graph::State& state : states) {
    const graph::StateId id = graph.state(state);
    for (int64_t entry = 0; entry < state.entries; ++entry) keep(read(id, entry));
  }
  if (wide) {
    pool_.push_back(winograd(pool_.front()));
  }
  for (int64_t count = wide ? pick(2, 5) : pick(8, 16); count > 0; --count) {
    try {
      draw_something();
    } catch (const Error& error) {
      // What fits no picture of this size is not drawn.
      if (error.code() != ErrorCode::mismatch) throw;
    }
  }
  draw_outputs();
  write_states();
}

Value RandomGraph::state(const Shape& of) {
  if (!declares_) return read({0}, 0);
  const int64_t entries = pick(1, 2);
  const bool is_exact = one_in(4);
  const auto id = graph.state({.name = "state" + std::to_string(graph.states.size()),
                               .shape = of,
                               .exact = is_exact,
                               .entries = entries});
  return read(id, pick(0, entries - 1));
}

/// Into every entry something of its shape, or nothing.
void RandomGraph::write_states() {
  std::vector<Value> all;
  for (size_t i = 0; i < graph.nodes.size(); ++i) all.push_back({static_cast<int32_t>(i)});
  for (size_t i = 0; i < graph.states.size(); ++i) {
    for (int64_t entry = 0; entry < graph.states[i].entries; ++entry) {
      if (one_in(4)) continue;
      std::vector<Value> fitting;
      for (const Value value : all) {
        if (shape(value) == graph.states[i].shape) fitting.push_back(value);
      }
      if (fitting.empty()) continue;
      const auto last = static_cast<int64_t>(fitting.size()) - 1;
      const Value chosen = fitting[static_cast<size_t>(one_in(2) ? last : pick(0, last))];
      graph.write({static_cast<int32_t>(i)}, chosen, entry);
    }
  }
}

}  // namespace kintsugi::test
