// SPDX-License-Identifier: MIT
#include "kernels/copy/copy.h"

#include "tests/kernels/support.h"

namespace kintsugi::copy {
namespace {

std::string refusal(const Desc& desc, const Shape& input) {
  return test::error_of([&] { (void)output_shape(desc, input); });
}

TEST(CopyShape, TakesChannels) {
  EXPECT_EQ(output_shape({}, {2, 7, 4, 5}), (Shape{2, 7, 4, 5}));
  EXPECT_EQ(output_shape({.first = 3}, {2, 7, 4, 5}), (Shape{2, 4, 4, 5}));
  EXPECT_EQ(output_shape({.first = 3, .channels = 2}, {2, 7, 4, 5}), (Shape{2, 2, 4, 5}));
}

TEST(CopyShape, WhatDoesNotFitIsSaid) {
  EXPECT_EQ(refusal({.first = 3, .channels = 5}, {1, 7, 4, 5}),
            "copy channels 3 to 7: the input [1, 7, 4, 5] has too few channels");
  EXPECT_EQ(refusal({.first = 7}, {1, 7, 4, 5}),
            "copy channels from 7: the input [1, 7, 4, 5] has too few channels");
  EXPECT_EQ(refusal({.first = -1}, {1, 7, 4, 5}), "copy: channels are counted from zero on");
}

TEST(CopyCost, ReadsAndWritesWhatItTakes) {
  EXPECT_EQ(bytes({.first = 3, .channels = 2}, {2, 7, 4, 5}, 4), 2 * 4 * 80);
}

}  // namespace
}  // namespace kintsugi::copy
