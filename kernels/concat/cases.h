// SPDX-License-Identifier: MIT
//
// Images that tests join, at a granule and across, and layers of networks.
#pragma once

#include "kernels/concat/contract.h"
#include "kernels/contract/case.h"

namespace kintsugi::concat {

[[nodiscard]] inline std::vector<OpCase> layers() {
  const Shape half{1, 128, 128, 128};
  return {{"concat_128_128_128px", Desc{}, {half, half}}};
}

[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  const auto add = [&](int64_t batch, Pair size, std::initializer_list<int64_t> channels) {
    Shapes inputs;
    std::string name = "concat";
    for (const int64_t c : channels) {
      inputs.push_back({batch, c, size.h, size.w});
      name += " " + inputs.back().to_string();
    }
    cases.push_back({name, Desc{}, inputs});
    cases.back().exact = true;
  };
  add(1, 1, {1});
  add(2, {3, 5}, {4, 4});
  add(2, {5, 3}, {8, 16, 24});
  add(1, {4, 7}, {3, 5});  // across granules
  add(3, {2, 3}, {1, 1, 1, 1, 1, 1, 1, 1});
  add(2, {4, 4}, {37, 2, 9});
  add(1, {9, 13}, {64, 32});
  // More than a CUDA launch holds: the last of a launch ends at a group, within one, or groups later.
  add(2, {2, 3}, {1, 1, 1, 1, 1, 1, 1, 1, 1});
  add(1, {3, 2}, {8, 8, 8, 8, 8, 8, 8, 8, 8, 5});
  add(2, {2, 2}, {3, 1, 2, 5, 1, 1, 1, 20, 40, 1, 1, 7, 1, 1, 1, 1, 1, 1, 1, 3});
  return cases;
}

/// It has no description to be wrong.
[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  return {{{"concat two", Desc{}, {{1, 5, 3, 3}, {1, 6, 3, 3}}}, {}}};
}

}  // namespace kintsugi::concat
