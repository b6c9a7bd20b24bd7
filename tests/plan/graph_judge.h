// SPDX-License-Identifier: MIT
//
// The judge of a plan's numbers: the right value of every output of a graph, and how far from it a
// run may be. Neither the planner nor an executor takes part: the graph is walked as it was recorded,
// by the references in double, on dense values. What a run stores in f16 is rounded to f16 here as
// well, at every node; exact values to f32.
//
// The bound is measured: one ulp of noise of the storage type, with a random sign, at every node and
// every constant, changes an output by so much; a run may be off by `noise_factor` times that, and at least by
// what one op may be (kFormats).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/dtype.h"
#include "tests/plan/random_graphs.h"

namespace kintsugi::test {

/// How a run stores and multiplies numbers.
struct Format {
  const char* name;
  DType stored;
  int bits;              // of a mantissa, behind the point: an ulp is 2^-bits times a power of two
  double op_bound;       // relative L2 that one op may be off by in any case
  double noise_factor;   // of what a run may be off by beside that
  double most_unjudged;  // outputs of all, at most, that may be too ill-conditioned to judge
};
enum FormatIndex { kF64, kF32, kTf32, kF16, kBf16, kFormatCount };
constexpr std::array<Format, kFormatCount> kFormats{{
    {"f64", DType::f64, 52, 1e-7, 8, 0.1},  // outputs are read as floats
    {"f32", DType::f32, 23, 2e-6, 8, 0.1},
    {"tf32", DType::f32, 10, 1e-3, 3, 0.3},
    {"f16", DType::f16, 10, 6e-4, 3, 0.3},
    {"bf16", DType::bf16, 7, 4e-3, 3, 0.3},
}};
/// A convolution in Winograd's form is a digit less exact (kernels/conv2d/winograd.h).
constexpr double kWinogradBound = 2e-5;
/// Beyond this relative error a bound says nothing.
constexpr double kSaneBound = 0.1;

/// |a - b| / |b|; infinite where b is nothing and a is something, or where either is not finite.
[[nodiscard]] inline double relative_l2(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) return INFINITY;
  double difference = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  if (!std::isfinite(difference) || !std::isfinite(norm)) return INFINITY;
  if (difference == 0) return 0;
  return norm == 0 ? INFINITY : std::sqrt(difference / norm);
}

/// NaN is like NaN.
[[nodiscard]] inline bool same_bits(std::span<const double> a, std::span<const double> b) {
  return std::ranges::equal(a, b, [](double x, double y) {
    return std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y);
  });
}

/// What is right, and how much an ulp of noise changes it.
struct Verdict {
  std::vector<double> right;  // of one output, n y x c
  double noise = 0;
};

/// What a replay is for: the outputs of a graph, then what it writes to states.
[[nodiscard]] std::vector<graph::Value> ends_of(const graph::Graph& graph);

class Judge {
 public:
  explicit Judge(const RandomGraph& drawn);
  /// Of every one of ends_of(), in order.
  [[nodiscard]] std::vector<Verdict> judge(FormatIndex format) const;

 private:
  /// By node and output; n y x c, pitch storage_channels(C).
  using Values = std::vector<std::vector<std::vector<double>>>;
  /// `draw` 0 is without noise.
  [[nodiscard]] Values evaluate(const Format& format, uint64_t draw) const;

  void fill(const graph::Node& node, std::vector<double>& values) const;

  const RandomGraph& drawn_;
  std::vector<Exactness> exact_;
  std::vector<std::vector<double>> constants_;
};

}  // namespace kintsugi::test
