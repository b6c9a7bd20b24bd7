// SPDX-License-Identifier: MIT
#include "runtime/cli/format.h"

#include <gtest/gtest.h>

namespace kintsugi::cli {
namespace {

TEST(Format, TimeLeftIsToldInTheUnitsThatMatter) {
  EXPECT_EQ(format_left(0), "0 s left");
  EXPECT_EQ(format_left(0.2), "1 s left");
  EXPECT_EQ(format_left(59), "59 s left");
  EXPECT_EQ(format_left(60), "1 min 0 s left");
  EXPECT_EQ(format_left(184.5), "3 min 5 s left");
  EXPECT_EQ(format_left(3600), "1 h 0 min left");
  EXPECT_EQ(format_left(2 * 3600 + 5 * 60 + 7), "2 h 5 min left");
}

}  // namespace
}  // namespace kintsugi::cli
