// SPDX-License-Identifier: MIT
//
// The discrete sine transform of the first kind, for any length: what diagonalises the five-point
// Laplacian of a rectangle whose border is given.
// It is not a general FFT and not tuned: the transforms of a blend are a fraction of a second.
// It owns its tables and its scratch: use one from one thread at a time.
// Called by poisson.
#pragma once

#include <complex>
#include <cstddef>
#include <vector>

namespace kintsugi::image {

class SineTransform {
 public:
  /// For sequences of `length` >= 1.
  explicit SineTransform(size_t length);

  /// Replaces x_1 .. x_n by sum over j of x_j sin(pi j k / (n + 1)), for two sequences at once;
  /// element j stands at [j * stride]. `second` may be null. Twice is times (n + 1) / 2.
  void operator()(double* first, double* second, size_t stride);

 private:
  using Complex = std::complex<double>;
  void fourier();  // of sequence_, in place

  size_t length_;
  size_t period_;                // 2 (n + 1): the odd continuation of a sequence
  size_t padded_;                // a power of two: period_ itself, or enough for a convolution
  std::vector<Complex> roots_;   // of padded_
  std::vector<Complex> chirp_;   // exp(-i pi k k / period_); empty where period_ is a power of two
  std::vector<Complex> filter_;  // the transform of the conjugate chirp, over padded_
  std::vector<Complex> sequence_, scratch_;
};

}  // namespace kintsugi::image
