// SPDX-License-Identifier: MIT
#pragma once

#include "kernels/contract/case.h"
#include "tests/house/ops/duel/contract.h"

namespace kintsugi::duel {

[[nodiscard]] inline std::vector<OpCase> layers() { return {}; }
[[nodiscard]] inline std::vector<OpCase> cases() {
  return {small_case(Desc{.handicap = 0.25f}, {{2, 5, 3, 4}, {2, 5, 3, 4}})};
}
[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  return {{small_case(Desc{.handicap = 0.25f}, {{1, 4, 8, 8}, {1, 4, 8, 8}}),
           {Desc{.handicap = -0.25f}, Desc{.handicap = 1.0f}}}};
}

}  // namespace kintsugi::duel
