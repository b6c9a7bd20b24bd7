// SPDX-License-Identifier: MIT
//
// The context discriminators of GLCIC: Iizuka, Simo-Serra and Ishikawa, "Globally and Locally
// Consistent Image Completion", SIGGRAPH 2017. One looks at the whole picture, one at a patch around
// the filled hole; together they say how plausible a completion is. They are not in the official
// release, so every file comes from a port. net.cpp records them, ports.cpp knows the ports, task.cpp
// makes the two views of a picture.
#pragma once

#include <span>
#include <string>

#include "runtime/graph/scope.h"
#include "runtime/networks/network.h"

namespace kintsugi::networks::glcic_discriminator {

/// What follows a convolution, as in the port's completion network.
enum class Order : uint8_t { norm_relu, relu_norm };
/// Which view stands first before the last layer.
enum class First : uint8_t { local, global };

/// What differs between files; open() fills it from keys and shapes.
struct Config {
  int64_t width = 64;         // channels of the first layer; the others are multiples of it
  int64_t features = 1024;    // that each view is reduced to
  int64_t local_size = 128;   // side of the patch, in pixels
  int64_t global_size = 256;  // side that the whole picture is scaled to
  int64_t global_layers = 6;  // convolutions; the patch has five
  bool bias = true;           // of the convolutions
  bool relu = true;           // after each view's linear layer
  Order order = Order::norm_relu;
  First first = First::local;
  bool sigmoid = false;  // ends the network; without it the score is a logit
  bool bgr = false;      // colours in [-1, 1], blue first; else RGB in [0, 1]
};

inline constexpr int64_t kLocalLayers = 5;

/// `local` is [N, 3, local_size, local_size], `global` likewise; returns [N, 1, 1, 1].
[[nodiscard]] graph::Value score(const Scope& m, graph::Value local, graph::Value global,
                                 const Config& config);

/// P(real) of a filled picture.
inline constexpr const char* kGraph = "discriminators";
[[nodiscard]] double judge(const Config& config, const TaskInput& input, Runner& runner);

/// How the ports name the modules, canonical names being those of net.cpp: keys.txt.
[[nodiscard]] std::span<const weights::KeyLayout> key_layouts();
[[nodiscard]] inline weights::Detection detect(const weights::Weights& weights) {
  return weights::detect(weights, key_layouts());
}
[[nodiscard]] Program open(const weights::Weights& weights, const weights::Detection& detection);

inline constexpr Network kNetwork = {
    .name = "glcic-discriminator",
    .paper =
        "Iizuka, Simo-Serra, Ishikawa: Globally and Locally Consistent Image Completion, "
        "SIGGRAPH 2017",
    .detect = detect,
    .open = open,
};

}  // namespace kintsugi::networks::glcic_discriminator
