// SPDX-License-Identifier: MIT
#include "compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace kintsugi::cli {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "[0, 3, 17, 4]" of a flat index.
std::string position(const Shape& shape, size_t index) {
  std::vector<int64_t> at(static_cast<size_t>(shape.rank()));
  auto rest = static_cast<int64_t>(index);
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    at[static_cast<size_t>(axis)] = rest % shape[axis];
    rest /= shape[axis];
  }
  return Shape(std::span<const int64_t>(at)).to_string();
}

/// Equal but for extents of one at the end: [N, C] is kept as [N, C, 1, 1].
bool same_shape(const Shape& a, const Shape& b) {
  const auto trimmed = [](const Shape& shape) {
    std::span<const int64_t> extents = shape.extents();
    while (!extents.empty() && extents.back() == 1) extents = extents.first(extents.size() - 1);
    return extents;
  };
  return std::ranges::equal(trimmed(a), trimmed(b));
}

/// Where the first value that is no number stands; the size where all are.
size_t first_not_finite(const std::vector<float>& values) {
  const auto found =
      std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  return static_cast<size_t>(found - values.begin());
}

}  // namespace

TensorComparison compare(const std::string& name, const Tensor& ours, const Tensor& reference,
                         double bound) {
  TensorComparison result{.name = name, .shape = ours.shape, .problem = {}};
  result.relative_l2 = result.max_abs_error = std::numeric_limits<double>::quiet_NaN();
  result.psnr_db = result.cosine = std::numeric_limits<double>::quiet_NaN();
  if (!same_shape(ours.shape, reference.shape) || ours.values.size() != reference.values.size()) {
    result.problem = "the reference has the shape " + reference.shape.to_string();
    return result;
  }
  if (const size_t at = first_not_finite(reference.values); at < reference.values.size()) {
    result.problem = "the reference is not finite at " + position(reference.shape, at);
    return result;
  }
  if (const size_t at = first_not_finite(ours.values); at < ours.values.size()) {
    result.problem = "not finite at " + position(ours.shape, at);
    return result;
  }
  double error = 0, squares = 0, our_squares = 0, product = 0, largest = 0;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (size_t i = 0; i < ours.values.size(); ++i) {
    const double a = ours.values[i], b = reference.values[i], difference = a - b;
    error += difference * difference;
    squares += b * b;
    our_squares += a * a;
    product += a * b;
    largest = std::max(largest, std::abs(difference));
    low = std::min(low, b);
    high = std::max(high, b);
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  result.max_abs_error = largest;
  result.relative_l2 = squares > 0 ? std::sqrt(error / squares) : (error > 0 ? kInfinity : 0.0);
  const double norms = std::sqrt(squares) * std::sqrt(our_squares);
  result.cosine = norms > 0 ? product / norms : (error > 0 ? 0.0 : 1.0);
  if (error > 0) {
    const double mean_square = error / static_cast<double>(ours.values.size());
    result.psnr_db = 20 * std::log10((high - low) / std::sqrt(mean_square));
  } else {
    result.psnr_db = kInfinity;
  }
  result.ok = result.relative_l2 <= bound;
  return result;
}

bool natural_less(const std::string& a, const std::string& b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const size_t a_begin = a.find_first_not_of('0', i), b_begin = b.find_first_not_of('0', j);
      size_t a_end = std::min(a_begin, a.size()), b_end = std::min(b_begin, b.size());
      const size_t a_first = a_end, b_first = b_end;
      while (a_end < a.size() && is_digit(a[a_end])) ++a_end;
      while (b_end < b.size() && is_digit(b[b_end])) ++b_end;
      if (a_end - a_first != b_end - b_first) return a_end - a_first < b_end - b_first;
      const int order = a.compare(a_first, a_end - a_first, b, b_first, b_end - b_first);
      if (order != 0) return order < 0;
      i = a_end;
      j = b_end;
      continue;
    }
    if (a[i] != b[j]) return a[i] < b[j];
    ++i;
    ++j;
  }
  return a.size() - i < b.size() - j;
}

}  // namespace kintsugi::cli
