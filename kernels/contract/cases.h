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
};

[[nodiscard]] std::span<const OpCases> all_cases();

}  // namespace kintsugi
