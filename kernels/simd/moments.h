// SPDX-License-Identifier: MIT
//
// Moments of pixels that have just been stored, or are read for this alone: what norm gathers
// (kernels/core/moments.h). Plain data: see targets.h.
#pragma once

#include <cstdint>

#include "kernels/simd/isa.h"

namespace kintsugi::simd {

/// A rectangle of pixels whose moments join those of its tile.
struct MomentsTask {
  const float* pixel = nullptr;  // the first, at the first of the channels
  int64_t rows = 1, columns = 1;
  int64_t row_step = 0, column_step = 0;  // elements from one to the next
  int64_t channels = 0;                   // a multiple of the channel granule
  int64_t before = 0;  // pixels that `mean` and `squares` know; none: they hold nothing yet
  float* mean = nullptr;
  float* squares = nullptr;  // differences from the mean, squared and summed
};

using JoinMoments = void(const MomentsTask&);
[[nodiscard]] JoinMoments* join_moments(Isa isa);

}  // namespace kintsugi::simd
