// SPDX-License-Identifier: MIT
//
// How far a tensor is from its reference. Sums are in double, in index order; a NaN or an infinity
// anywhere is a divergence, whatever the bound.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <kintsugi/tensor.hpp>

namespace kintsugi::cli {

struct TensorComparison {
  std::string name;
  Shape shape;
  double relative_l2 = 0;  // |ours - reference| / |reference|
  double max_abs_error = 0;
  double psnr_db = 0;  // of the reference's range; infinite where equal
  double cosine = 1;
  bool ok = false;
  std::string problem;  // why it cannot be compared, or is not finite
};

[[nodiscard]] TensorComparison compare(const std::string& name, const Tensor& ours,
                                       const Tensor& reference, double bound);

/// Less by the numbers inside: "conv2" before "conv10".
[[nodiscard]] bool natural_less(const std::string& a, const std::string& b);

}  // namespace kintsugi::cli
