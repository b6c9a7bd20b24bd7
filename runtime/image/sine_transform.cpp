// SPDX-License-Identifier: MIT
//
// A sequence, continued oddly, has a purely imaginary Fourier transform; so two of them fit into
// one complex transform. Lengths that are no power of two become a convolution with a chirp
// (Bluestein 1970), which is.
#include "runtime/image/sine_transform.h"

#include <bit>
#include <cmath>
#include <numbers>
#include <utility>

namespace kintsugi::image {
namespace {

using Complex = std::complex<double>;

/// Without the detour of operator* for infinities.
Complex times(const Complex& a, const Complex& b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

Complex unit(double angle) { return {std::cos(angle), std::sin(angle)}; }

/// In place; the size is a power of two, `roots` are exp(-2 pi i k / size) for the first half.
void fast_fourier(std::vector<Complex>& values, const std::vector<Complex>& roots) {
  const size_t size = values.size();
  for (size_t i = 1, j = 0; i < size; ++i) {  // bits reversed
    size_t bit = size >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(values[i], values[j]);
  }
  for (size_t half = 1; half < size; half *= 2) {
    const size_t step = size / (2 * half);
    for (size_t begin = 0; begin < size; begin += 2 * half) {
      for (size_t k = 0; k < half; ++k) {
        const Complex even = values[begin + k];
        const Complex odd = times(values[begin + k + half], roots[k * step]);
        values[begin + k] = even + odd;
        values[begin + k + half] = even - odd;
      }
    }
  }
}

}  // namespace

SineTransform::SineTransform(size_t length)
    : length_(length),
      period_(2 * (length + 1)),
      padded_(std::has_single_bit(period_) ? period_ : std::bit_ceil(2 * period_ - 1)),
      sequence_(period_) {
  for (size_t k = 0; k < padded_ / 2; ++k) {
    roots_.push_back(
        unit(-2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(padded_)));
  }
  if (padded_ == period_) return;
  filter_.assign(padded_, 0);
  scratch_.assign(padded_, 0);
  for (size_t k = 0; k < period_; ++k) {
    const auto turns = static_cast<double>(k * k % (2 * period_));
    chirp_.push_back(unit(-std::numbers::pi * turns / static_cast<double>(period_)));
    filter_[k] = std::conj(chirp_[k]);
    if (k > 0) filter_[padded_ - k] = filter_[k];
  }
  fast_fourier(filter_, roots_);
  // Transforming back is transforming forward between two conjugations, over the size.
  for (Complex& value : filter_) value /= static_cast<double>(padded_);
}

void SineTransform::fourier() {
  if (chirp_.empty()) return fast_fourier(sequence_, roots_);
  scratch_.assign(padded_, 0);
  for (size_t k = 0; k < period_; ++k) scratch_[k] = times(sequence_[k], chirp_[k]);
  fast_fourier(scratch_, roots_);
  for (size_t k = 0; k < padded_; ++k) scratch_[k] = std::conj(times(scratch_[k], filter_[k]));
  fast_fourier(scratch_, roots_);
  for (size_t k = 0; k < period_; ++k) sequence_[k] = times(std::conj(scratch_[k]), chirp_[k]);
}

void SineTransform::operator()(double* first, double* second, size_t stride) {
  sequence_[0] = 0;
  sequence_[length_ + 1] = 0;
  for (size_t j = 1; j <= length_; ++j) {
    const size_t at = (j - 1) * stride;
    const Complex both(first[at], second != nullptr ? second[at] : 0);
    sequence_[j] = both;
    sequence_[period_ - j] = -both;
  }
  fourier();
  for (size_t k = 1; k <= length_; ++k) {
    const size_t at = (k - 1) * stride;
    first[at] = -0.5 * sequence_[k].imag();
    if (second != nullptr) second[at] = 0.5 * sequence_[k].real();
  }
}

}  // namespace kintsugi::image
