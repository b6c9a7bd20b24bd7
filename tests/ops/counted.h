// SPDX-License-Identifier: MIT
//
// What an emulator counts of launches, held against what the op states. A GPU counts nothing.
#pragma once

#include "tests/ops/suite.h"

namespace kintsugi::test {

/// Forgets what was launched before.
void begin_counting();
void expect_counted(const Work& work, ShapeSpan inputs, const Target& target);

}  // namespace kintsugi::test
