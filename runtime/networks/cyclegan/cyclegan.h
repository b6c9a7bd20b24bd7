// SPDX-License-Identifier: MIT
//
// CycleGAN: Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent
// Adversarial Networks", ICCV 2017: the generator of residual blocks, in the PyTorch of its authors and
// in the form of MindSpore's tutorial. It is recorded in net.cpp; keys.txt holds the names, ports.cpp knows
// how the two differ; task.cpp takes a picture through it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/graph/scope.h"
#include "runtime/networks/network.h"
#include "runtime/networks/norms.h"

namespace kintsugi::networks::cyclegan {

/// Whose arithmetic a file was trained for.
enum class Form : uint8_t {
  pytorch,    // reflected borders, ReLU, transposed convolutions padded by one
  mindspore,  // zero borders, LeakyReLU outside the blocks, transposed convolutions cut at the end
};

/// What differs between files of this network; open() fills it from keys, shapes and settings.
struct Config {
  int64_t width = 64;  // channels of the first layer; the others are multiples of it
  int64_t blocks = 9;
  bool shared = false;  // one block's weights, applied `blocks` times
  Form form = Form::pytorch;
  StoredNorm stored;
  Norm norm = Norm::instance;
  bool bias = true;      // of the convolutions that a norm follows
  bool bias_out = true;  // of the last
};

/// `x` is [N, 3, H, W] in [-1, 1]; returns [N, 3, H', W'] in [-1, 1], H' and W' being H and W rounded up
/// to multiples of 4.
[[nodiscard]] graph::Value generator(const Scope& m, graph::Value x, const Config& config);

inline constexpr int64_t kMultiple = 4;     // of height and width
inline constexpr int64_t kMostBlocks = 64;  // far beyond any real file

/// Samples to the network and back, in the arithmetic of the authors' code. The MindSpore form converts on
/// the host.
[[nodiscard]] to_tensor::Desc input_desc();
[[nodiscard]] to_image::Desc output_desc(bool round);

inline constexpr const char* kGraph = "generator";
[[nodiscard]] TaskOutput translate(const Config& config, const TaskInput& input, Runner& runner);

/// Of residual blocks in a file of MindSpore's whose blocks are all in it; one where they are shared.
[[nodiscard]] int64_t stored_blocks(const weights::Weights& weights, const weights::KeyMap& keys);

/// How the ports name the modules, canonical names being those of net.cpp: keys.txt.
[[nodiscard]] std::span<const weights::KeyLayout> key_layouts();
[[nodiscard]] inline weights::Detection detect(const weights::Weights& weights) {
  return weights::detect(weights, key_layouts());
}
[[nodiscard]] Program open(const weights::Weights& weights, const weights::Detection& detection);

inline constexpr Network kNetwork = {
    .name = "cyclegan",
    .paper =
        "Zhu, Park, Isola, Efros: Unpaired Image-to-Image Translation using Cycle-Consistent "
        "Adversarial Networks, ICCV 2017",
    .detect = detect,
    .open = open,
};

}  // namespace kintsugi::networks::cyclegan
