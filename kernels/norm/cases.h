// SPDX-License-Identifier: MIT
//
// Norms that tests compute, and layers of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/norm/contract.h"
#include "kernels/norm/cuda.h"

namespace kintsugi::norm {

[[nodiscard]] inline std::vector<OpCase> layers() {
  return {layer("unet_groupnorm_320_64px", Desc{.groups = 32, .affine = true}, {1, 320, 64, 64}),
          layer("vae_groupnorm_128_512px", Desc{.groups = 32, .affine = true}, {1, 128, 512, 512}),
          layer("cyclegan_instancenorm_256", Desc{.groups = 256}, {1, 256, 64, 64})};
}

/// Odd numbers of channels; less than a tile and several; groups within a pack, across packs, across
/// the 32 lanes that gather and across columns of blocks.
[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  const auto add = [&](const Desc& desc, const Shape& input) {
    cases.push_back(small_case(desc, {input}, Fill::spread));
    cases.back().thorough = input.elements() < 6000;
    if (input.h() * input.w() < 30) return;  // no deviation to speak of
    cases.push_back(small_case(desc, {input}, Fill::far));
    cases.back().thorough = false;
  };
  add({.groups = 1}, {1, 1, 1, 1});
  add({.groups = 3}, {2, 3, 5, 7});
  add({.groups = 1, .affine = true}, {2, 3, 40, 70});
  add({.groups = 3, .affine = true}, {2, 3, 25, 37});
  add({.groups = 5, .eps = 1e-6, .affine = true}, {1, 5, 33, 31});
  add({.groups = 4, .affine = true}, {3, 36, 9, 11});
  add({.groups = 17}, {1, 17, 9, 13});
  add({.groups = 2, .affine = true}, {1, 130, 13, 17});
  add({.groups = 2, .eps = 1e-3, .affine = true}, {2, 66, 11, 3});
  add({.groups = 5}, {1, 65, 2, 7});
  add({.groups = 1, .affine = true}, {1, 264, 3, 12});
  add({.groups = 6, .affine = true}, {2, 24, 60, 70});
  add({.groups = 600}, {2, 600, 6, 9});
  return cases;
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  return {{small_case(Desc{.groups = 4, .affine = true}, {{2, 48, 20, 20}}, Fill::spread),
           {Desc{.groups = 2, .affine = true}, Desc{.groups = 3, .affine = true},
            Desc{.groups = 48, .affine = true}, Desc{.groups = 4, .eps = 1e-4, .affine = true},
            Desc{.groups = 4}}}};
}

}  // namespace kintsugi::norm
