// SPDX-License-Identifier: MIT
//
// GLCIC: Iizuka, Simo-Serra and Ishikawa, "Globally and Locally Consistent Image Completion",
// SIGGRAPH 2017: the completion network, and what its ports make of it. It is recorded in net.cpp;
// keys.txt holds the ports' names, ports.cpp knows how their arithmetic differs; task.cpp fills holes.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "runtime/graph/scope.h"
#include "runtime/networks/network.h"

namespace kintsugi::networks::glcic {

/// What follows a convolution. Norm and ReLU do not commute: a port is one or the other.
enum class Order : uint8_t { norm_relu, relu_norm };
/// What ends the network: a sigmoid, to [0, 1], or a clamp to [-1, 1].
enum class Output : uint8_t { sigmoid, clamp };
enum class Colours : uint8_t { rgb, bgr };

/// What differs between files of this network; open() fills it from keys, shapes and metadata.
struct Config {
  int64_t width = 64;  // channels of the first layer; the others are multiples of it
  int64_t last = 32;   // channels before the last layer
  bool bias = true;    // of the convolutions that a norm follows
  Order order = Order::norm_relu;
  Output output = Output::sigmoid;

  // A known pixel goes in as (colour - mean) * scale, in the order of `colours`; colours here are
  // RGB in [0, 1]. In the hole stands `hole`, as it goes in but RGB.
  Colours colours = Colours::rgb;
  std::array<float, 3> mean = {0.4560f, 0.4472f, 0.4155f};  // of the training set, Places2
  float scale = 1;
  std::array<float, 3> hole = {0, 0, 0};
  bool rounds = false;  // to the nearest sample, where the official code truncates
};

/// `x` is [N, 4, H, W]: the picture as `config` says, and the mask, 1 = hole. Returns [N, 3, H, W]
/// in the range of config.output; H and W are those of the input rounded up to multiples of 4.
[[nodiscard]] graph::Value completion(const Scope& m, graph::Value x, const Config& config);

/// How the ports name the modules, canonical names being those of net.cpp: keys.txt.
[[nodiscard]] std::span<const weights::KeyLayout> key_layouts();
/// Canonical names of the sixteen convolutions that a norm follows.
[[nodiscard]] std::vector<std::string> normed_convolutions();

inline constexpr int64_t kMultiple = 4;  // of height and width

/// What a pixel of the network's input is made of: the colour as the port takes it, then the mask.
[[nodiscard]] to_tensor::Desc input_desc(const Config& config);
/// What a pixel of the network's output means.
[[nodiscard]] to_image::Desc output_desc(const Config& config);

/// The one graph.
inline constexpr const char* kGraph = "completion";
[[nodiscard]] TaskOutput inpaint(const Config& config, const TaskInput& input, Runner& runner);

[[nodiscard]] inline weights::Detection detect(const weights::Weights& weights) {
  return weights::detect(weights, key_layouts());
}
[[nodiscard]] Program open(const weights::Weights& weights, const weights::Detection& detection);

inline constexpr Network kNetwork = {
    .name = "glcic",
    .paper =
        "Iizuka, Simo-Serra, Ishikawa: Globally and Locally Consistent Image Completion, "
        "SIGGRAPH 2017",
    .detect = detect,
    .open = open,
};

}  // namespace kintsugi::networks::glcic
