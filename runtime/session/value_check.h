// SPDX-License-Identifier: MIT
//
// What is wrong with the values of a tensor, and where first.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "kernels/core/call.h"
#include "kernels/simd/parallel.h"

namespace kintsugi::session {

struct ValueCheck {
  std::optional<std::array<int64_t, 4>> not_finite;  // the first NaN or infinity, as n, c, y, x
  bool constant = false;                             // all values are the same
};
/// On all threads; the answer does not depend on how many they are. The memory is the host's.
[[nodiscard]] ValueCheck check_values(const AnyView& view, Parallel& parallel);

}  // namespace kintsugi::session
