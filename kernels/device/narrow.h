// SPDX-License-Identifier: MIT
//
// Kernels count in 31 bits, contracts in 63: what goes from one to the other passes here, on the host,
// before a launch.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "kernels/core/error.h"

namespace kintsugi::device {

/// `value`, so many `what`, for kernels of `op`; throws Error::unsupported where it does not fit.
[[nodiscard]] inline int narrow_int(const char* op, int64_t value, const char* what) {
  if (value < 0 || value > std::numeric_limits<int>::max()) {
    throw Error(ErrorCode::unsupported, std::string(op) + " on CUDA: " + std::to_string(value) +
                                            " " + what + " are beyond its 31 bits");
  }
  return static_cast<int>(value);
}

}  // namespace kintsugi::device
