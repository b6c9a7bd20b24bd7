// SPDX-License-Identifier: MIT
//
// Channels that tests copy, at a granule and across, and layers of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/copy/contract.h"

namespace kintsugi::copy {

[[nodiscard]] inline std::vector<OpCase> layers() {
  return {layer("slice_64_of_256_128px", Desc{.first = 64, .channels = 64}, {1, 256, 128, 128})};
}

[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  for (const Type type : {Type::same, Type::kernel, Type::exact}) {
    const auto add = [&](int64_t first, int64_t channels, const Shape& input) {
      cases.push_back(small_case(Desc{first, channels, type}, {input}));
      cases.back().exact = true;
    };
    add(0, 0, {1, 1, 1, 1});
    add(0, 0, {2, 5, 3, 7});
    add(0, 3, {2, 8, 3, 5});
    add(4, 4, {1, 12, 4, 3});
    add(8, 11, {3, 37, 2, 5});
    add(3, 5, {2, 17, 3, 3});  // across granules
    add(1, 1, {1, 2, 5, 5});
    add(16, 64, {1, 80, 9, 13});
  }
  return cases;
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  return {{small_case(Desc{.first = 4, .channels = 8}, {{2, 12, 3, 5}}),
           {Desc{.first = 3, .channels = 8}, Desc{.first = 2, .channels = 8}}}};
}

}  // namespace kintsugi::copy
