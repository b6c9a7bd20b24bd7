// SPDX-License-Identifier: MIT
//
// Layer norms that tests compute, and layers of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/layer_norm/contract.h"

namespace kintsugi::layer_norm {

[[nodiscard]] inline std::vector<OpCase> layers() {
  return {layer("mat_layernorm_180_64px", Desc{.affine = true}, {1, 180, 64, 64})};
}

/// Odd numbers of channels, within a lane, a warp, what a block holds and beyond; pixels that leave
/// lanes idle.
[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  for (const bool affine : {false, true}) {
    for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 7}, Shape{3, 37, 2, 9},
                               Shape{1, 64, 8, 8}, Shape{1, 130, 3, 5}, Shape{2, 700, 1, 3},
                               Shape{1, 1029, 2, 2}, Shape{1, 2060, 1, 3}, Shape{2, 24, 60, 70}}) {
      cases.push_back(small_case(Desc{.affine = affine}, {shape}, Fill::spread));
      cases.back().thorough = shape.elements() < 50000;
      if (shape.c() < 30) continue;  // no deviation to speak of
      cases.push_back(small_case(Desc{.affine = affine}, {shape}, Fill::far));
    }
  }
  // Several pixels in a warp, of which each has the bits that it has alone.
  for (const int64_t channels : {3, 20, 66}) {
    cases.push_back(small_case(Desc{}, {{5, channels, 1, 1}}, Fill::spread));
  }
  cases.push_back(small_case(Desc{.eps = 1e-3}, {{1, 17, 9, 13}}, Fill::spread));
  return cases;
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  return {{small_case(Desc{.affine = true}, {{1, 16, 20, 20}}, Fill::spread),
           {Desc{.eps = 1e-1, .affine = true}, Desc{}}}};
}

}  // namespace kintsugi::layer_norm
