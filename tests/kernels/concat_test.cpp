// SPDX-License-Identifier: MIT
#include "kernels/concat/concat.h"

#include "tests/kernels/support.h"

namespace kintsugi::concat {
namespace {

std::string refusal(const std::vector<Shape>& inputs) {
  return test::error_of([&] { (void)output_shape({}, inputs); });
}

TEST(ConcatShape, AddsChannelsOfAnyNumberOfInputs) {
  EXPECT_EQ(output_shape({}, std::vector<Shape>{{2, 3, 4, 5}, {2, 1, 4, 5}}), (Shape{2, 4, 4, 5}));
  EXPECT_EQ(output_shape({}, std::vector<Shape>(100, {1, 3, 4, 5})), (Shape{1, 300, 4, 5}));
}

TEST(ConcatShape, WhatDoesNotFitIsSaid) {
  EXPECT_EQ(refusal({}), "concat: it has no input");
  EXPECT_EQ(refusal({{1, 3, 4, 5}, {1, 3, 4, 6}}),
            "concat: the inputs [1, 3, 4, 5] and [1, 3, 4, 6] differ in size");
  EXPECT_EQ(refusal({{3, 4, 5}}),
            "concat: the input [3, 4, 5] is not [N, C, H, W] with an element");
}

TEST(ConcatCost, ReadsAndWritesEveryElement) {
  EXPECT_EQ(bytes({}, std::vector<Shape>{{2, 3, 4, 5}, {2, 1, 4, 5}}, 2), 2 * 2 * 160);
}

}  // namespace
}  // namespace kintsugi::concat
