// SPDX-License-Identifier: MIT
//
// Windows that tests slide, small and of every kind, and layers of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/pool/contract.h"

namespace kintsugi::pool {

[[nodiscard]] inline std::vector<OpCase> layers() {
  return {layer("maxpool_3x3_64_128px", Desc{.kernel = 3, .stride = 2, .padding = 1},
                {1, 64, 128, 128}),
          layer("average_2x2_64_128px", Desc{.mode = Mode::average, .kernel = 2, .stride = 2},
                {1, 64, 128, 128})};
}

[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  for (const Desc& mode : {Desc{}, Desc{.mode = Mode::average},
                           Desc{.mode = Mode::average, .count_include_pad = false}}) {
    const auto add = [&](Pair kernel, Pair stride, Pair padding, const Shape& input) {
      Desc desc = mode;
      desc.kernel = kernel, desc.stride = stride, desc.padding = padding;
      cases.push_back(small_case(desc, {input}));
      cases.back().exact = mode.mode == Mode::max;
    };
    add(1, 1, 0, {1, 1, 1, 1});
    add(2, 2, 0, {2, 3, 6, 7});
    add(3, 2, 1, {1, 17, 9, 8});
    add(3, 1, 1, {1, 37, 9, 8});
    add({2, 5}, {3, 1}, {1, 2}, {3, 17, 11, 6});
    add(7, 1, 3, {1, 4, 5, 5});
    add(3, 1, 1, {2, 24, 60, 70});
    cases.back().thorough = false;
    add({1, 4}, {1, 300}, {0, 2}, {1, 130, 2, 700});
    cases.back().thorough = false;
  }
  return cases;
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  const Desc max{.kernel = 3, .padding = 1};
  const auto with = [](Desc desc, Mode mode, Pair kernel, Pair padding, bool count = true) {
    desc.mode = mode, desc.kernel = kernel, desc.padding = padding, desc.count_include_pad = count;
    return desc;
  };
  const Desc average = with(max, Mode::average, 3, 1);
  return {{small_case(max, {{1, 17, 16, 8}}),
           {average, with(max, Mode::max, 5, 2), with(max, Mode::max, {1, 3}, {0, 1})}},
          {small_case(average, {{1, 17, 16, 8}}),
           {max, with(max, Mode::average, 5, 2), with(max, Mode::average, {1, 3}, {0, 1}),
            with(max, Mode::average, 3, 1, false)}}};
}

}  // namespace kintsugi::pool
