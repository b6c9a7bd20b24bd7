// SPDX-License-Identifier: MIT
//
// Borders that tests add, small and of every kind, and layers of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/pad/contract.h"

namespace kintsugi::pad {

[[nodiscard]] inline std::vector<OpCase> layers() {
  return {layer("reflect3_64_256px",
                Desc{.top = 3, .bottom = 3, .left = 3, .right = 3, .mode = PaddingMode::reflect},
                {1, 64, 256, 256})};
}

[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
    for (const int64_t channels : {1, 3, 4, 5, 8, 37}) {
      const auto add = [&](int64_t top, int64_t bottom, int64_t left, int64_t right, int64_t batch,
                           Pair size) {
        cases.push_back(
            small_case(Desc{top, bottom, left, right, mode}, {{batch, channels, size.h, size.w}}));
        cases.back().exact = true;
      };
      add(1, 2, 3, 0, 2, {3, 4});
      add(0, 0, 0, 1, 1, {1, 2});
      add(4, 4, 4, 4, 1, {5, 5});
      add(0, 0, 0, 0, 3, {2, 2});
      add(0, 1, 2, 0, 2, {11, 13});
      add(3, 3, 3, 3, 2, {60, 70});
      cases.back().thorough = false;
    }
  }
  return cases;
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  std::vector<Mistakes> out;
  for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
    const auto other = mode == PaddingMode::zero ? PaddingMode::reflect : PaddingMode::zero;
    out.push_back({small_case(Desc{2, 2, 2, 2, mode}, {{1, 4, 19, 18}}),
                   {Desc{1, 3, 2, 2, mode}, Desc{3, 1, 2, 2, mode}, Desc{2, 2, 1, 3, mode},
                    Desc{2, 2, 3, 1, mode}, Desc{2, 2, 2, 2, other}}});
  }
  return out;
}

}  // namespace kintsugi::pad
