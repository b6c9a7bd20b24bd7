// SPDX-License-Identifier: MIT
//
// CycleGAN's discriminator (Zhu, Park, Isola and Efros, ICCV 2017; the PatchGAN of Isola et al. 2017):
// for each patch of 70x70 pixels a number, trained towards 1 where pictures are real and 0 where a
// generator made them. It is recorded in net.cpp; keys.txt holds the names, ports.cpp opens a file.
#pragma once

#include <span>

#include "runtime/graph/scope.h"
#include "runtime/networks/network.h"
#include "runtime/networks/norms.h"

namespace kintsugi::networks::cyclegan_discriminator {

struct Config {
  int64_t width = 64;  // channels of the first layer; the others are multiples of it
  StoredNorm stored;
  Norm norm = Norm::instance;
  bool bias = true;       // of the convolutions that a norm follows
  bool bias_ends = true;  // of the first and the last
};

/// `x` is [N, 3, H, W] in [-1, 1], at least 24 pixels each way; returns [N, 1, P, Q], of 256 pixels 30.
[[nodiscard]] graph::Value judge(const Scope& m, graph::Value x, const Config& config);

/// How the ports name the modules, canonical names being those of net.cpp: keys.txt.
[[nodiscard]] std::span<const weights::KeyLayout> key_layouts();
[[nodiscard]] inline weights::Detection detect(const weights::Weights& weights) {
  return weights::detect(weights, key_layouts());
}
[[nodiscard]] Program open(const weights::Weights& weights, const weights::Detection& detection);

inline constexpr Network kNetwork = {
    .name = "cyclegan-discriminator",
    .paper =
        "Zhu, Park, Isola, Efros: Unpaired Image-to-Image Translation using Cycle-Consistent "
        "Adversarial Networks, ICCV 2017",
    .detect = detect,
    .open = open,
};

}  // namespace kintsugi::networks::cyclegan_discriminator
