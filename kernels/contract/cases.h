// SPDX-License-Identifier: MIT
//
// The cases of every op of the build, in the order of kernels/ops.list. For tests and benchmarks.
#pragma once

#include <span>
#include <string_view>

#include "kernels/contract/case.h"

namespace kintsugi {

struct OpCases {
  std::string_view op;
  std::vector<OpCase> (*cases)();
  std::vector<OpCase> (*layers)();
  std::vector<Mistakes> (*mistakes)();
  /// Of all CUDA launches of a call together; without operands of steps, which are not counted.
  StatedTraffic (*traffic)(const Work& work, ShapeSpan inputs, int64_t element_bytes);
};

[[nodiscard]] std::span<const OpCases> all_cases();

}  // namespace kintsugi
