// SPDX-License-Identifier: MIT
//
// GLCIC: Iizuka, Simo-Serra and Ishikawa, "Globally and Locally Consistent Image Completion",
// SIGGRAPH 2017. The completion network, in the order of the official release: convolution, batch
// normalisation, ReLU. It is recorded in net.cpp; keys.cpp knows its ports; task.cpp fills holes.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "runtime/graph/scope.h"
#include "runtime/networks/network.h"

namespace kintsugi::networks::glcic {

/// What differs between files of this network; detect() fills it.
struct Config {
  int64_t width = 64;  // channels of the first layer; the others are multiples of it
  int64_t last = 32;   // channels before the last layer
  std::array<float, 3> mean = {0.4560f, 0.4472f, 0.4155f};  // RGB of the training set, in [0, 1]
};

/// `x` is [N, 4, H, W]: RGB in [0, 1] less the mean, 0 inside the hole, and the mask, 1 = hole.
/// Returns [N, 3, H, W] in [0, 1]; H and W are those of the input rounded up to multiples of 4.
[[nodiscard]] graph::Value completion(const Scope& m, graph::Value x, const Config& config);

/// The key layouts of the ports, canonical names being those of net.cpp.
[[nodiscard]] std::span<const weights::KeyLayout> layouts();
/// Canonical keys that every file of this network has.
[[nodiscard]] std::vector<std::string> required_keys();

[[nodiscard]] Image inpaint(const Config& config, const ImageView& picture, const ImageView& mask,
                            const InpaintOptions& options, const Replay& replay, const Warn& warn);

[[nodiscard]] weights::Detection detect(const weights::Weights& weights);
[[nodiscard]] Opened open(const weights::Weights& weights, const weights::Detection& detection);

inline constexpr Network kNetwork = {
    .name = "glcic",
    .paper =
        "Iizuka, Simo-Serra, Ishikawa: Globally and Locally Consistent Image Completion, "
        "SIGGRAPH 2017",
    .detect = detect,
    .open = open,
};

}  // namespace kintsugi::networks::glcic
