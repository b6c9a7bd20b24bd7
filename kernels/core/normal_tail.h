// SPDX-License-Identifier: MIT
//
// What gelu is made of on every backend: the tail of the normal distribution, for a >= 0
//
//   Q(a) = erfc(a / sqrt(2)) / 2 = exp(-a^2 / 2) * R(a)
//
// gelu(x) = max(x, 0) - |x| * Q(|x|). Q is at most 1/2, so nothing cancels. For x <= 0 the kernels write
// max(x, 0) as 0 * x, which is NaN at minus infinity as in PyTorch. R falls slowly from 1/2; it is a
// polynomial in s = (a - 3) / (a + 3), minimax in the relative error: 1e-8 for a <= 14.6. Beyond that Q
// is below the range of f32.
#pragma once

namespace kintsugi {

struct NormalTail {
  static constexpr float kMiddle = 3.0f;
  static constexpr int kDegree = 9;
  /// Coefficients of s^0 to s^9.
  float coefficient[kDegree + 1] = {
      0.121513948f,   -0.206402615f,    0.123225041f,    -0.0462132581f,  0.00613191631f,
      0.00290435296f, -0.000983194681f, -0.00033891885f, 0.000114910203f, 5.30627767e-05f};
};

}  // namespace kintsugi
