// SPDX-License-Identifier: MIT
//
// Steps are the currency of fusion. An Epilogue is what happens to a value after it was summed and
// before it is stored: an ordered list of at most eight steps, in the order the network recorded
// them. The planner appends, it never reorders. A step is data, not code: every backend interprets
// the same list, and Op::absorb (kernels/contract/op.h) says which steps an op's kernels understand.
//
// Its mirror image is the Prologue: what happens to an input while it is loaded, so that a norm, an
// activation, a mask or an enlargement in front of a convolution never is a picture of its own.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/core/error.h"
#include "kernels/core/view.h"

namespace kintsugi {

/// The rows of functions.def.
enum class Function : uint8_t {
#define KINTSUGI_FUNCTION(name, takes_slope, formula) name,
#include "kernels/core/functions.def"
};

/// All of them, in order.
inline constexpr std::array kFunctions = {
#define KINTSUGI_FUNCTION(name, takes_slope, formula) Function::name,
#include "kernels/core/functions.def"
};

/// A function as a type: the backends overload `evaluate` by it. Unlike std::integral_constant it does not
/// convert to Function, so a missing overload is an error and not a call of the switch itself.
template <Function>
struct Is {};

/// The definition: f(x); `slope` is leaky_relu's factor below zero.
[[nodiscard]] inline double evaluate(Function function, double x, double slope) {
#define KINTSUGI_FUNCTION(name, takes_slope, formula) \
  if (function == Function::name) return formula;
#include "kernels/core/functions.def"
  return x;
}

/// Whether the function reads the slope.
[[nodiscard]] constexpr bool takes_slope(Function function) {
#define KINTSUGI_FUNCTION(name, takes_slope, formula) \
  if (function == Function::name) return takes_slope;
#include "kernels/core/functions.def"
  return false;
}

/// How far one element of a step's operand reaches.
enum class Extent : uint8_t {
  scalar,          // one number, held in the step itself
  channel,         // [C]
  sample_channel,  // [N, C]
  pixel,           // [N, 1, H, W]
  tensor,          // [N, C, H, W]
};

struct Step {
  enum class Kind : uint8_t {
    add,       // x + a
    mul,       // x * a
    affine,    // x * a + b
    activate,  // function(x), slope in a
    clamp,     // min(max(x, a), b)
    prelu,     // x > 0 ? x : x * a
    gate,      // function(x) * gate(x of the channel K further on): K channels of 2K
  };

  Kind kind = Kind::add;
  Extent extent = Extent::scalar;
  Function function = Function::identity;
  float a = 0;
  float b = 0;
  Function gate = Function::identity;

  /// Operands the step reads from memory: none for scalars, two for an affine, else one.
  [[nodiscard]] constexpr int operand_count() const {
    if (extent == Extent::scalar) return 0;
    return kind == Kind::affine ? 2 : 1;
  }
  friend bool operator==(const Step&, const Step&) = default;
};

namespace step {
[[nodiscard]] constexpr Step add(Extent extent) { return {Step::Kind::add, extent, {}, 0, 0}; }
[[nodiscard]] constexpr Step mul(Extent extent) { return {Step::Kind::mul, extent, {}, 0, 0}; }
[[nodiscard]] constexpr Step affine(Extent extent) {
  return {Step::Kind::affine, extent, {}, 0, 0};
}
/// torch.nn.PReLU's weight in memory, or one for all channels.
[[nodiscard]] constexpr Step prelu(Extent extent) { return {Step::Kind::prelu, extent, {}, 0, 0}; }
[[nodiscard]] constexpr Step prelu(float a) {
  return {Step::Kind::prelu, Extent::scalar, {}, a, 0};
}
[[nodiscard]] constexpr Step add(float a) { return {Step::Kind::add, Extent::scalar, {}, a, 0}; }
[[nodiscard]] constexpr Step mul(float a) { return {Step::Kind::mul, Extent::scalar, {}, a, 0}; }
[[nodiscard]] constexpr Step affine(float a, float b) {
  return {Step::Kind::affine, Extent::scalar, {}, a, b};
}
[[nodiscard]] constexpr Step activate(Function function, float slope = 0) {
  return {Step::Kind::activate, Extent::scalar, function, slope, 0};
}
/// Gated convolution's (Yu et al. 2019): of 2K channels the first half are features, the second their
/// gates. `slope` is that of the feature's function.
[[nodiscard]] constexpr Step gate(Function feature, Function gate, float slope = 0) {
  return {Step::Kind::gate, Extent::scalar, feature, slope, 0, gate};
}
[[nodiscard]] constexpr Step clamp(float low, float high) {
  return {Step::Kind::clamp, Extent::scalar, {}, low, high};
}
}  // namespace step

/// At most eight steps, in order; at most one of them is a gate, and the steps before it work on twice
/// the channels.
class Steps {
 public:
  static constexpr int kMaxSteps = 8;

  Steps() = default;
  Steps(std::initializer_list<Step> steps) {
    for (const Step& step : steps) append(step);
  }

  [[nodiscard]] bool full() const { return size_ == kMaxSteps; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] const Step& operator[](int i) const { return steps_[static_cast<size_t>(i)]; }
  [[nodiscard]] const Step* begin() const { return steps_.data(); }
  [[nodiscard]] const Step* end() const { return steps_.data() + size_; }

  void append(const Step& step) {
    if (full()) throw Error(ErrorCode::internal, "a step list holds at most eight steps");
    if (step.kind == Step::Kind::gate && gate() >= 0) {
      throw Error(ErrorCode::internal, "a step list holds at most one gate");
    }
    steps_[static_cast<size_t>(size_++)] = step;
  }

  /// Which of them is the gate; -1 without one.
  [[nodiscard]] int gate() const {
    for (int i = 0; i < size_; ++i) {
      if (steps_[static_cast<size_t>(i)].kind == Step::Kind::gate) return i;
    }
    return -1;
  }
  /// Channels before the first step for each that is there after the last: 2 with a gate.
  [[nodiscard]] int64_t channels_per_result() const { return gate() < 0 ? 1 : 2; }

  /// Operands that all steps together read from memory.
  [[nodiscard]] int operand_count() const {
    int count = 0;
    for (const Step& step : *this) count += step.operand_count();
    return count;
  }

  friend bool operator==(const Steps& a, const Steps& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::array<Step, kMaxSteps> steps_{};
  int size_ = 0;
};

using Epilogue = Steps;

/// What happens to an input while it is loaded: the steps on every element that is stored (none of
/// them a gate), then each pixel repeated `upsample` times in either direction. The op's own padding
/// comes last: what lies in it is zero, or reflected, whatever the steps say.
struct Prologue {
  Steps steps;
  int64_t upsample = 1;

  [[nodiscard]] bool empty() const { return steps.empty() && upsample == 1; }
  friend bool operator==(const Prologue&, const Prologue&) = default;
};

/// "add channel, affine channel, relu, clamp [0, 1]": as a plan prints it.
[[nodiscard]] std::string to_string(const Steps& steps);
/// "affine sample-channel, relu, nearest x2"
[[nodiscard]] std::string to_string(const Prologue& prologue);
[[nodiscard]] const char* to_string(Function function);
/// The function of that name; nothing where there is none.
[[nodiscard]] std::optional<Function> function_named(std::string_view name);
[[nodiscard]] const char* to_string(Extent extent);

/// What both convolutions accept behind their sums of `filters` channels: everything but a second
/// gate; in front of a gate nothing but scalars and channel vectors.
[[nodiscard]] inline bool accepts_behind(const Epilogue& epilogue, int64_t filters,
                                         const Step& step) {
  if (epilogue.full()) return false;
  if (step.kind != Step::Kind::gate) return true;
  return epilogue.gate() < 0 && filters % 2 == 0 &&
         std::all_of(epilogue.begin(), epilogue.end(), [](const Step& before) {
           return before.extent == Extent::scalar || before.extent == Extent::channel;
         });
}

/// Whether `first` can come before `prologue` in one: pictures enlarged twice over have no prologue, and
/// steps behind an enlargement work on fewer pixels when they come before it, which reads the same
/// only where no operand has pixels of its own.
[[nodiscard]] inline bool accepts_before(const Prologue& prologue, const Prologue& first,
                                         bool may_upsample) {
  const bool per_pixel =
      std::any_of(prologue.steps.begin(), prologue.steps.end(), [](const Step& step) {
        return step.extent == Extent::pixel || step.extent == Extent::tensor;
      });
  return first.steps.gate() < 0 && first.steps.size() + prologue.steps.size() <= Steps::kMaxSteps &&
         (first.upsample == 1 ||
          (may_upsample && first.upsample == 2 && prologue.upsample == 1 && !per_pixel));
}

/// `first`, then `second`: what accepts_before() allows.
[[nodiscard]] inline Prologue joined(const Prologue& first, const Prologue& second) {
  Prologue both = first;
  for (const Step& step : second.steps) both.steps.append(step);
  both.upsample *= second.upsample;
  return both;
}

/// What a step reads, bound at launch: elements of the activations' type for `tensor`, else of
/// Exact<T> (call.h). For `channel` and `sample_channel`, `pitch` separates one batch item from the
/// next and `data` holds C elements each, and up to the plan's granule others that may be anything; for
/// `pixel` and `tensor` it separates one pixel from the next.
struct Operand {
  const void* data = nullptr;
  int64_t pitch = 0;
};

/// The operands of a whole list, in step order; an affine takes two, its factor first.
using Operands = std::span<const Operand>;

/// The operands of a prologue and an epilogue, held by value.
class OperandList {
 public:
  OperandList() = default;
  OperandList(Operands operands) {  // NOLINT: a list is made of operands
    for (const Operand& operand : operands) append(operand);
  }
  OperandList(const std::vector<Operand>& operands)  // NOLINT
      : OperandList(Operands(operands)) {}

  void append(const Operand& operand) {
    if (size_ == items_.size()) throw Error(ErrorCode::internal, "two step lists read 32 operands");
    items_[size_++] = operand;
  }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] const Operand& operator[](size_t i) const { return items_[i]; }
  operator Operands() const { return {items_.data(), size_}; }  // NOLINT
  [[nodiscard]] Operands first(size_t count) const { return Operands(*this).first(count); }
  [[nodiscard]] Operands subspan(size_t from) const { return Operands(*this).subspan(from); }

 private:
  std::array<Operand, size_t{4} * Steps::kMaxSteps> items_{};  // two lists, two a step
  size_t size_ = 0;
};

/// Where the element a step works on stands; `y x` are output pixels of a picture h by w.
struct Position {
  int64_t n = 0, k = 0, y = 0, x = 0;
  int64_t h = 1, w = 1;
};

/// The definition of steps [first, last) of a list without a gate among them, in double: the value
/// after them. `operands` begin with what the first of them reads; what they read is taken off.
template <class T>
[[nodiscard]] double apply_steps(const Steps& steps, int first, int last, Operands& operands,
                                 double value, const Position& at) {
  const auto load = [&at](Extent extent, const Operand& operand) -> double {
    const auto* data = static_cast<const T*>(operand.data);
    const int64_t pixel = (at.n * at.h + at.y) * at.w + at.x;
    switch (extent) {
      case Extent::scalar: break;
      case Extent::channel: return data[at.k];
      case Extent::sample_channel: return data[at.n * operand.pitch + at.k];
      case Extent::pixel: return data[pixel * operand.pitch];
      case Extent::tensor: return data[pixel * operand.pitch + at.k];
    }
    return 0;
  };
  for (int i = first; i < last; ++i) {
    const Step& step = steps[i];
    double a = step.a;
    double b = step.b;
    if (step.operand_count() > 0) a = load(step.extent, operands[0]);
    if (step.operand_count() > 1) b = load(step.extent, operands[1]);
    operands = operands.subspan(static_cast<size_t>(step.operand_count()));
    switch (step.kind) {
      case Step::Kind::add: value += a; break;
      case Step::Kind::mul: value *= a; break;
      case Step::Kind::affine: value = value * a + b; break;
      case Step::Kind::activate: value = evaluate(step.function, value, a); break;
      // A NaN passes through: hiding it would be a silent wrong.
      case Step::Kind::clamp: value = std::isnan(value) ? value : std::clamp(value, a, b); break;
      case Step::Kind::prelu: value = value > 0 ? value : value * a; break;
      case Step::Kind::gate: throw Error(ErrorCode::internal, "a gate pairs two channels");
    }
  }
  return value;
}

/// The definition of a step list: channel `at.k` of `channels` that are there after all steps.
/// `before(k)` is the value of channel k before the first.
template <class T, class Before>
[[nodiscard]] double apply_steps(const Steps& steps, Operands operands, const Before& before,
                                 const Position& at, int64_t channels) {
  const int gate = steps.gate();
  if (gate < 0) return apply_steps<T>(steps, 0, steps.size(), operands, before(at.k), at);
  Position partner = at;
  partner.k += channels;
  Operands same = operands;
  const double feature = apply_steps<T>(steps, 0, gate, operands, before(at.k), at);
  const double gated = apply_steps<T>(steps, 0, gate, same, before(partner.k), partner);
  const Step& step = steps[gate];
  const double value = evaluate(step.function, feature, step.a) * evaluate(step.gate, gated, 0);
  return apply_steps<T>(steps, gate + 1, steps.size(), operands, value, at);
}

/// The definition of a prologue's steps: a picture after them, dense [N, H, W, C].
template <class T>
[[nodiscard]] std::vector<double> apply_steps(const Steps& steps, Operands operands,
                                              const TensorView<const T>& input) {
  const Shape& in = input.shape;
  std::vector<double> values;
  values.reserve(static_cast<size_t>(in.elements()));
  Position at{.h = in.h(), .w = in.w()};
  for (at.n = 0; at.n < in.n(); ++at.n) {
    for (at.y = 0; at.y < in.h(); ++at.y) {
      for (at.x = 0; at.x < in.w(); ++at.x) {
        const T* pixel = input.pixel(at.n, at.y, at.x);
        for (at.k = 0; at.k < in.c(); ++at.k) {
          values.push_back(apply_steps<T>(
              steps, operands, [&](int64_t k) { return static_cast<double>(pixel[k]); }, at,
              in.c()));
        }
      }
    }
  }
  return values;
}

}  // namespace kintsugi
