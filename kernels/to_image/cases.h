// SPDX-License-Identifier: MIT
//
// Tensors that tests make images of, as networks give them, and layers of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/to_image/contract.h"

namespace kintsugi::to_image {

/// RGB of BGR in [-1, 1].
inline constexpr std::array<Source, 3> kFromSigned{{{2, 1, 0.5f}, {1, 1, 0.5f}, {0, 1, 0.5f}}};
inline constexpr std::array<Source, 3> kFromDeviations{
    {{0, 0.485f / 0.229f, 0.229f}, {1, 0.456f / 0.224f, 0.224f}, {2, 0.406f / 0.225f, 0.225f}}};
inline constexpr std::array<Source, 3> kOfOne{{{0, 1, 0.5f}, {0, 1, 0.5f}, {0, 1, 0.5f}}};

[[nodiscard]] inline std::vector<OpCase> layers() {
  return {layer("image_8_bits_2048px", Desc{}, {1, 3, 2048, 2048})};
}

[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  for (const int bits : {8, 16}) {
    for (const bool grey : {false, true}) {
      for (const bool rounds : {false, true}) {
        const auto add = [&](const std::array<Source, 3>& rgb, const Shape& tensor) {
          cases.push_back(
              small_case(Desc{.rgb = rgb, .rounds = rounds, .grey = grey, .bits = bits}, {tensor}));
          cases.back().exact = true;
        };
        add(Desc{}.rgb, {1, 3, 5, 7});
        add(kFromSigned, {2, 4, 9, 13});
        add(kFromDeviations, {3, 3, 1, 150});  // a row longer than a block
        add(kOfOne, {2, 1, 7, 1});
        add({{{3}, {0}, {1}}}, {1, 9, 4, 6});
      }
    }
  }
  return cases;
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  const Desc right{.rgb = kFromSigned, .bits = 16};
  const auto wrong = [&](size_t colour, const Source& other) {
    Desc desc = right;
    desc.rgb[colour] = other;
    return desc;
  };
  Desc rounded = right;
  rounded.rounds = true;
  OpCase exact = small_case(right, {{1, 3, 11, 9}});
  exact.exact = true;
  return {
      {exact,
       {wrong(0, {1, 1, 0.5f}), wrong(2, {0, 1.01f, 0.5f}), wrong(1, {1, 1, 0.505f}), rounded}}};
}

}  // namespace kintsugi::to_image
