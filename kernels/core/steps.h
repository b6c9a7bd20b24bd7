// SPDX-License-Identifier: MIT
//
// Steps are the currency of fusion. An Epilogue is what happens to a value after it was summed and
// before it is stored: an ordered list of at most eight steps, in the order the network recorded
// them. The planner appends, it never reorders. A step is data, not code: every backend interprets
// the same list, and a contract's accepts() says which steps its kernels understand.
//
// Its mirror image, what happens to an input while it is loaded, is so far the padding alone: the
// planner moves a pad into the convolutions it feeds. Steps on the way in come with the first norm
// that is applied there, and `gate`, which halves the channels, with gated convolution.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>

#include "kernels/core/error.h"
#include "kernels/core/view.h"

namespace kintsugi {

enum class Function : uint8_t { identity, relu, leaky_relu, elu, sigmoid, tanh, silu };

/// f(x); `slope` is leaky_relu's factor below zero.
[[nodiscard]] inline double evaluate(Function function, double x, double slope) {
  switch (function) {
    case Function::identity: return x;
    case Function::relu: return x > 0 || std::isnan(x) ? x : 0;
    case Function::leaky_relu: return x > 0 ? x : slope * x;
    case Function::elu: return x > 0 ? x : std::expm1(x);
    case Function::sigmoid: return 1 / (1 + std::exp(-x));
    case Function::tanh: return std::tanh(x);
    case Function::silu: return x / (1 + std::exp(-x));
  }
  return x;
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
  };

  Kind kind = Kind::add;
  Extent extent = Extent::scalar;
  Function function = Function::identity;
  float a = 0;
  float b = 0;

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
[[nodiscard]] constexpr Step add(float a) { return {Step::Kind::add, Extent::scalar, {}, a, 0}; }
[[nodiscard]] constexpr Step mul(float a) { return {Step::Kind::mul, Extent::scalar, {}, a, 0}; }
[[nodiscard]] constexpr Step affine(float a, float b) {
  return {Step::Kind::affine, Extent::scalar, {}, a, b};
}
[[nodiscard]] constexpr Step activate(Function function, float slope = 0) {
  return {Step::Kind::activate, Extent::scalar, function, slope, 0};
}
[[nodiscard]] constexpr Step clamp(float low, float high) {
  return {Step::Kind::clamp, Extent::scalar, {}, low, high};
}
}  // namespace step

/// At most eight steps, in order.
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
    steps_[static_cast<size_t>(size_++)] = step;
  }

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

/// "add channel, affine channel, relu, clamp [0, 1]": as a plan prints it.
[[nodiscard]] std::string to_string(const Steps& steps);
[[nodiscard]] const char* to_string(Function function);
[[nodiscard]] const char* to_string(Extent extent);

/// What a step reads, bound at launch. For `channel` and `sample_channel`, `pitch` separates one
/// sample from the next and `data` holds storage_channels(C) elements a sample, the pads zero; for
/// `pixel` and `tensor` it separates one pixel from the next.
template <class T>
struct Operand {
  const T* data = nullptr;
  int64_t pitch = 0;
};

/// The operands of a whole list, in step order; an affine takes two, its factor first.
template <class T>
using Operands = std::span<const Operand<T>>;

/// Where the element a step works on stands; `y x` are output pixels of a picture h by w.
struct Position {
  int64_t n = 0, k = 0, y = 0, x = 0;
  int64_t h = 1, w = 1;
};

/// The definition of a step list: the value after all steps, in double.
template <class T>
[[nodiscard]] double apply_steps(const Steps& steps, Operands<T> operands, double value,
                                 const Position& at) {
  const auto load = [&at](Extent extent, const Operand<T>& operand) -> double {
    const int64_t pixel = (at.n * at.h + at.y) * at.w + at.x;
    switch (extent) {
      case Extent::scalar: break;
      case Extent::channel: return operand.data[at.k];
      case Extent::sample_channel: return operand.data[at.n * operand.pitch + at.k];
      case Extent::pixel: return operand.data[pixel * operand.pitch];
      case Extent::tensor: return operand.data[pixel * operand.pitch + at.k];
    }
    return 0;
  };
  size_t next = 0;
  for (const Step& step : steps) {
    double a = step.a;
    double b = step.b;
    if (step.operand_count() > 0) a = load(step.extent, operands[next++]);
    if (step.operand_count() > 1) b = load(step.extent, operands[next++]);
    switch (step.kind) {
      case Step::Kind::add: value += a; break;
      case Step::Kind::mul: value *= a; break;
      case Step::Kind::affine: value = value * a + b; break;
      case Step::Kind::activate: value = evaluate(step.function, value, a); break;
      // A NaN passes through: hiding it would be a silent wrong.
      case Step::Kind::clamp: value = std::isnan(value) ? value : std::clamp(value, a, b); break;
    }
  }
  return value;
}

}  // namespace kintsugi
