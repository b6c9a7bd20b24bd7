// SPDX-License-Identifier: MIT
//
// What every kernel test needs: tensors in buffers of exactly the size a kernel may touch, operands
// for any step list, and the comparison that decides whether a kernel is right. Gaps between
// pixels hold NaN, outputs are full of NaN before they are written: what was not to be read, or
// was not written, shows.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/contract/case.h"
#include "kernels/core/steps.h"
#include "kernels/core/view.h"
#include "kernels/simd/isa.h"
#include "kernels/simd/parallel.h"

namespace kintsugi::test {

/// The promised relative L2 error of an f32 kernel against its reference.
constexpr double kTolerance = 2e-6;

/// Seeded, the same on every machine (the standard's distributions are not).
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  /// Uniform in [-1, 1).
  float value() { return static_cast<float>(engine_() >> 8) * 0x1p-23f - 1.0f; }
  std::vector<float> values(int64_t count) {
    std::vector<float> out(static_cast<size_t>(count));
    for (float& v : out) v = value();
    return out;
  }

 private:
  std::mt19937 engine_;
};

/// An activation that owns its memory: from the first pixel's first channel to the last pixel's
/// last stored one, not an element more.
template <class T>
class Tensor {
 public:
  Tensor() = default;
  /// Full of NaN; `gap` elements lie between the stored channels of neighbouring pixels.
  explicit Tensor(const Shape& shape, int64_t gap = 0)
      : shape_(shape),
        pitch_(storage_channels(shape.c()) + gap),
        data_(static_cast<size_t>((shape.pixels() - 1) * pitch_ + storage_channels(shape.c())),
              std::numeric_limits<T>::quiet_NaN()) {}

  static Tensor random(const Shape& shape, Random& random, int64_t gap = 0) {
    Tensor tensor(shape, gap);
    tensor.for_each([&](int64_t, int64_t c, int64_t, int64_t, T& v) {
      v = c < shape.c() ? static_cast<T>(random.value()) : T{0};
    });
    return tensor;
  }

  /// The same values in another type.
  template <class U>
  [[nodiscard]] Tensor<U> as() const {
    Tensor<U> out(shape_, pitch_ - storage_channels(shape_.c()));
    out.for_each([&](int64_t n, int64_t c, int64_t y, int64_t x, U& v) {
      v = static_cast<U>(view().at(n, c, y, x));
    });
    return out;
  }

  [[nodiscard]] TensorView<T> view() { return {data_.data(), shape_, pitch_}; }
  [[nodiscard]] TensorView<const T> view() const { return {data_.data(), shape_, pitch_}; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] int64_t pitch() const { return pitch_; }
  [[nodiscard]] const std::vector<T>& data() const { return data_; }

  /// f(n, c, y, x, value) for every stored element, pad channels included.
  template <class F>
  void for_each(const F& f) {
    for (int64_t n = 0; n < shape_.n(); ++n) {
      for (int64_t y = 0; y < shape_.h(); ++y) {
        for (int64_t x = 0; x < shape_.w(); ++x) {
          for (int64_t c = 0; c < storage_channels(shape_.c()); ++c) {
            f(n, c, y, x, view().at(n, c, y, x));
          }
        }
      }
    }
  }

 private:
  Shape shape_;
  int64_t pitch_ = 0;
  std::vector<T> data_;
};

/// Random operands for a step list whose result has `shape`, each in a buffer of exact size; or for the
/// steps of a prologue on `input`, and those behind them.
template <class T>
class OperandSet {
 public:
  OperandSet(const Steps& steps, const Shape& shape, Random& random) {
    add_all(steps, shape, random);
  }
  OperandSet(const Prologue& prologue, const Shape& input, const Steps& steps, const Shape& shape,
             Random& random) {
    add_all(prologue.steps, input, random);
    add_all(steps, shape, random);
  }
  [[nodiscard]] std::vector<Operand> bind() const {
    std::vector<Operand> out;
    for (const Tensor<T>& tensor : tensors_) {
      out.push_back({tensor.data().data(), tensor.pitch()});
    }
    return out;
  }

 private:
  void add_all(const Steps& steps, const Shape& shape, Random& random) {
    const int gate = steps.gate();
    for (int s = 0; s < steps.size(); ++s) {
      const int64_t channels = s < gate ? 2 * shape.c() : shape.c();
      for (int i = 0; i < steps[s].operand_count(); ++i) {
        add(steps[s].extent, {shape.n(), channels, shape.h(), shape.w()}, random);
      }
    }
  }
  void add(Extent extent, const Shape& s, Random& random) {
    switch (extent) {
      case Extent::scalar: return;
      case Extent::channel: tensors_.push_back(Tensor<T>::random({1, s.c(), 1, 1}, random)); return;
      case Extent::sample_channel:  // one "pixel" a sample
        tensors_.push_back(Tensor<T>::random({s.n(), s.c(), 1, 1}, random, 4));
        return;
      case Extent::pixel:
        tensors_.push_back(Tensor<T>::random({s.n(), 1, s.h(), s.w()}, random, 4));
        return;
      case Extent::tensor: tensors_.push_back(Tensor<T>::random(s, random, 8)); return;
    }
  }
  std::vector<Tensor<T>> tensors_;
};

/// Row `y` of a tensor [N, C, H, 1] as one of its own.
template <class T>
[[nodiscard]] TensorView<T> row(const TensorView<T>& all, int64_t y) {
  return {all.pixel(0, y, 0), {all.shape.n(), all.shape.c(), 1, 1}, all.shape.h() * all.pitch};
}

/// Scratch of exact size, and full of NaN.
[[nodiscard]] inline std::vector<float> scratch_of(int64_t elements) {
  return std::vector<float>(static_cast<size_t>(elements), std::numeric_limits<float>::quiet_NaN());
}

struct Difference {
  double relative_l2 = 0;  // |a - b| / |b|
  double largest = 0;      // and where it is; the first NaN where there is one
  std::string where;
};

template <class A, class B>
[[nodiscard]] Difference difference(TensorView<A> actual, TensorView<B> expected) {
  double error = 0, norm = 0;
  Difference out;
  const Shape& s = expected.shape;
  for (int64_t n = 0; n < s.n(); ++n) {
    for (int64_t c = 0; c < s.c(); ++c) {
      for (int64_t y = 0; y < s.h(); ++y) {
        for (int64_t x = 0; x < s.w(); ++x) {
          const double a = static_cast<double>(actual.at(n, c, y, x));
          const double b = static_cast<double>(expected.at(n, c, y, x));
          // A NaN is no result, not even where both have it: it stays in the sums.
          error += (a - b) * (a - b);
          norm += b * b;
          if (!std::isnan(out.largest) && !(std::abs(a - b) <= out.largest)) {
            out.largest = std::abs(a - b);
            out.where = Shape{n, c, y, x}.to_string();
          }
        }
      }
    }
  }
  out.relative_l2 = error == 0 ? 0 : std::sqrt(error / norm);
  return out;
}

/// The check that a kernel is right: EXPECT_TRUE(close(actual, expected)). A NaN on either side
/// fails it: outputs begin as NaN, and what neither backend wrote must not pass.
template <class A, class B>
[[nodiscard]] testing::AssertionResult close(TensorView<A> actual, TensorView<B> expected,
                                             double tolerance = kTolerance) {
  if (!(actual.shape == expected.shape)) {
    return testing::AssertionFailure()
           << "shape " << actual.shape.to_string() << " is not " << expected.shape.to_string();
  }
  const Difference d = difference(actual, expected);
  // A NaN anywhere makes this comparison false.
  testing::AssertionResult result =
      d.relative_l2 <= tolerance ? testing::AssertionSuccess() : testing::AssertionFailure();
  return result << "relative L2 " << d.relative_l2 << " (allowed " << tolerance
                << "), largest error " << d.largest << " at " << d.where;
}

/// Every bit of every stored element, gaps included.
template <class T>
[[nodiscard]] testing::AssertionResult same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return testing::AssertionFailure() << "different sizes";
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof(T)) != 0) {
      return testing::AssertionFailure() << a[i] << " is not " << b[i] << " at element " << i;
    }
  }
  return testing::AssertionSuccess();
}

/// Pad channels are +0, gaps were left alone.
[[nodiscard]] inline testing::AssertionResult pads_are_zero(Tensor<float>& tensor) {
  testing::AssertionResult result = testing::AssertionSuccess();
  tensor.for_each([&](int64_t n, int64_t c, int64_t y, int64_t x, float& v) {
    if (c >= tensor.shape().c() && !(v == 0.0f && !std::signbit(v))) {
      result = testing::AssertionFailure()
               << "pad channel at " << Shape{n, c, y, x}.to_string() << " is " << v;
    }
  });
  const size_t pitch = static_cast<size_t>(tensor.pitch());
  const size_t stored = static_cast<size_t>(storage_channels(tensor.shape().c()));
  for (size_t i = 0; i < tensor.data().size(); ++i) {
    if (i % pitch >= stored && !std::isnan(tensor.data()[i])) {
      return testing::AssertionFailure() << "the gap was written at element " << i;
    }
  }
  return result;
}

/// The sentence of the Error that `f` throws; "" when it throws none.
template <class F>
[[nodiscard]] std::string error_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Two threads, shared by all tests of a program.
[[nodiscard]] inline Parallel& threads() {
  static ThreadPool pool(2);
  return pool;
}

/// What functions are tried on: both signs of 1e-36 to 1e36, closely from -20 to 20, and
/// zeros, infinities and a NaN.
[[nodiscard]] inline std::vector<float> function_arguments() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> values{0.0f, -0.0f, kInfinity, -kInfinity, std::nanf(""), 3e38f, -3e38f};
  for (int i = -720; i <= 720; ++i) {
    const auto magnitude = static_cast<float>(std::pow(10.0, i / 20.0));
    values.push_back(magnitude);
    values.push_back(-magnitude);
  }
  for (int i = -20000; i <= 20000; ++i) values.push_back(static_cast<float>(i) * 1.0009765e-3f);
  return values;
}

/// A function's results on `arguments`, each for itself: an L2 norm would let small ones be wrong.
/// The error may be `relative` of the expected value, plus `absolute`.
template <class T>
void expect_function(Function function, const std::vector<float>& arguments, TensorView<T> actual,
                     float slope, double relative, double absolute) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const double expected = evaluate(function, double{arguments[i]}, double{slope});
    const auto got = static_cast<double>(actual.at(0, 0, 0, static_cast<int64_t>(i)));
    const bool same = std::isfinite(expected)
                          ? std::abs(got - expected) <= relative * std::abs(expected) + absolute
                          : got == expected || (std::isnan(got) && std::isnan(expected));
    EXPECT_TRUE(same) << to_string(function) << " of " << arguments[i] << " is " << got << ", not "
                      << expected;
  }
}

using kintsugi::every_step;
using kintsugi::takes_any_number;

}  // namespace kintsugi::test
