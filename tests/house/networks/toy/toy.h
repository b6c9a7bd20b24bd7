// SPDX-License-Identifier: MIT
//
// toy: a network in no list of the product. It has what a program can have: three graphs, states, two tasks
// and images of two sizes.
//
//   meet     an image meets its past: a state holds the best of all images so far, another counts
//   grow     a step of a loop over one state: x = x / 2 + 16
//   enlarge  a convolution, then twice the size
#pragma once

#include <span>

#include "runtime/networks/network.h"

namespace kintsugi::networks::toy {

inline constexpr int kSteps = 50;  // of the loop

[[nodiscard]] std::span<const weights::KeyLayout> key_layouts();  // of keys.txt
[[nodiscard]] inline weights::Detection detect(const weights::Weights& weights) {
  return weights::detect(weights, key_layouts());
}
[[nodiscard]] Program open(const weights::Weights& weights, const weights::Detection& detection);

inline constexpr Network kNetwork = {
    .name = "toy", .paper = "of this project's tests", .detect = detect, .open = open};

}  // namespace kintsugi::networks::toy
