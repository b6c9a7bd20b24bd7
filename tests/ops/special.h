// SPDX-License-Identifier: MIT
//
// What is asked of some ops alone, on every device.
#pragma once

#include "tests/ops/suite.h"

namespace kintsugi::test {

/// elementwise and layer_norm may write what they read: the bits are the same.
void expect_in_place(const Target& target, Machine& machine);
/// Scale and shift of a norm are operands of a step, which is the norm itself.
void expect_norm_applied(const Target& target, Machine& machine);
/// A first pixel far from all others does no harm to a norm.
void expect_outlier_harmless(const Target& target, Machine& machine);
/// Leaving moments changes no bit of what a convolution stores.
void expect_moments_for_free(const OpCase& c, const Drawn& drawn, const Target& target,
                             Machine& machine);

}  // namespace kintsugi::test
