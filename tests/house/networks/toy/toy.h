// SPDX-License-Identifier: MIT
//
// toy: a network in no list of the product. It lets an image meet its own past: a state holds the best of
// all images so far, another counts the replays.
#pragma once

#include <span>

#include "runtime/graph/scope.h"
#include "runtime/networks/network.h"

namespace kintsugi::networks::toy {

[[nodiscard]] std::span<const weights::KeyLayout> key_layouts();  // of keys.txt
[[nodiscard]] inline weights::Detection detect(const weights::Weights& weights) {
  return weights::detect(weights, key_layouts());
}
[[nodiscard]] Opened open(const weights::Weights& weights, const weights::Detection& detection);

inline constexpr Network kNetwork = {
    .name = "toy", .paper = "of this project's tests", .detect = detect, .open = open};

}  // namespace kintsugi::networks::toy
