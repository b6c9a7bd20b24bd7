// SPDX-License-Identifier: MIT
#include "tests/ops/counted.h"

namespace kintsugi::test {

void begin_counting() {}
void expect_counted(const Work&, ShapeSpan, const Target&) {}

}  // namespace kintsugi::test
