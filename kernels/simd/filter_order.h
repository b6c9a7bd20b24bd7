// SPDX-License-Identifier: MIT
//
// Where a filter stands in the weights that a convolution packs for the register tile: in blocks of
// as many columns as the tile has. With a gate the first half of a block holds features, the second
// their gates, so that both are summed in one tile. The packers and the tap engine share it; it is
// arithmetic and owns nothing.
#pragma once

#include <cstdint>

#include "kernels/core/shape.h"
#include "kernels/core/steps.h"
#include "kernels/simd/isa.h"

namespace kintsugi::simd {

struct FilterOrder {
  int64_t filters = 0;
  int64_t lanes = 1;
  int64_t vectors = 1;  // in a block: 2 with a gate
  bool gated = false;

  [[nodiscard]] int64_t block() const { return vectors * lanes; }
  /// Channels that are left of the filters, and those that come of a whole block.
  [[nodiscard]] int64_t results() const { return gated ? filters / 2 : filters; }
  [[nodiscard]] int64_t block_results() const { return gated ? block() / 2 : block(); }
  [[nodiscard]] int64_t blocks() const { return divide_up(results(), block_results()); }

  /// Whether what a block holds fits into its first vector, and stands there alone.
  [[nodiscard]] bool narrow(int64_t block) const {
    return results() - block * block_results() <= (gated ? lanes / 2 : lanes);
  }
  /// The column of a filter among those of all blocks.
  [[nodiscard]] int64_t column(int64_t filter) const {
    if (!gated) return filter;
    const int64_t k = filter % results();  // its result's channel
    const int64_t at = k / lanes;
    const int64_t gate = filter < results() ? 0 : narrow(at) ? lanes / 2 : lanes;
    return at * block() + gate + k % lanes;
  }
};

/// That of a convolution which would have `vectors` in a block without a gate.
[[nodiscard]] inline FilterOrder filter_order(int64_t filters, const Epilogue& epilogue, Isa isa,
                                              int64_t vectors) {
  const bool gated = epilogue.gate() >= 0;
  return {.filters = filters, .lanes = lanes(isa), .vectors = gated ? 2 : vectors, .gated = gated};
}

}  // namespace kintsugi::simd
