// SPDX-License-Identifier: MIT
//
// Sizes that tests resample to, smaller, larger and odd, and layers of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/resample/contract.h"

namespace kintsugi::resample {

[[nodiscard]] inline std::vector<OpCase> layers() {
  return {
      layer("nearest_320_64px", Desc{.size = 128}, {1, 320, 64, 64}),
      layer("bilinear_128_256px", Desc{.size = 512, .mode = Mode::bilinear}, {1, 128, 256, 256})};
}

[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  for (const Desc& mode : {Desc{}, Desc{.mode = Mode::bilinear},
                           Desc{.mode = Mode::bilinear, .align_corners = true}}) {
    const auto add = [&](Pair size, const Shape& input) {
      Desc desc = mode;
      desc.size = size;
      cases.push_back(small_case(desc, {input}));
      cases.back().exact = mode.mode == Mode::nearest;
    };
    add({1, 1}, {1, 1, 1, 1});
    add({3, 2}, {2, 1, 1, 1});
    add({7, 5}, {2, 3, 1, 1});
    add({1, 1}, {1, 5, 6, 7});
    add({9, 11}, {2, 37, 5, 6});
    add({5, 22}, {1, 3, 13, 26});
    add({5, 3}, {1, 4, 13, 17});
    add({46, 14}, {1, 8, 14, 46});
    add({8, 8}, {1, 17, 8, 8});
    add({90, 110}, {2, 12, 60, 50});
    cases.back().thorough = false;
    add({3, 700}, {1, 6, 2, 300});
    cases.back().thorough = false;
  }
  return cases;
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  const Pair size{24, 40};
  return {
      {small_case(Desc{.size = size, .mode = Mode::bilinear}, {{1, 4, 16, 16}}),
       {Desc{.size = size, .mode = Mode::bilinear, .align_corners = true}, Desc{.size = size}}}};
}

}  // namespace kintsugi::resample
