// SPDX-License-Identifier: MIT
//
// Numbers that tests draw: channels that fill groups of 16 bytes or not, tiles, several items; and layers
// of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/random/contract.h"

namespace kintsugi::random {

[[nodiscard]] inline OpCase random_case(const Desc& desc, int64_t batch) {
  OpCase made = small_case(desc, {{batch, State::kPieces, 1, 1}});
  made.exact = desc.distribution == Distribution::uniform;
  return made;
}

[[nodiscard]] inline std::vector<OpCase> layers() {
  const Shape state{1, State::kPieces, 1, 1};
  return {layer("normal_4_64px", Desc{.channels = 4, .size = 64}, state),
          layer("normal_1_512px", Desc{.size = 512}, state),
          layer("uniform_180_64px",
                Desc{.distribution = Distribution::uniform, .channels = 180, .size = 64}, state)};
}

[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  for (const Distribution distribution : {Distribution::uniform, Distribution::normal}) {
    const auto add = [&](Desc desc, int64_t batch) {
      desc.distribution = distribution;
      cases.push_back(random_case(desc, batch));
    };
    add({}, 1);
    add({.channels = 3, .size = {5, 7}, .stream = stream_of("noise0")}, 2);
    add({.channels = 4, .size = {9, 2}, .whole = {9, 3}}, 1);
    add({.channels = 9, .size = {6, 5}, .whole = {1 << 20, 1 << 24}}, 3);
    add({.channels = 13, .size = {17, 19}, .stream = 0xffffffff}, 2);  // several blocks
    add({.channels = 512, .size = 1, .stream = stream_of("z")}, 2);
  }
  return cases;
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  const Desc right{.channels = 6, .size = {5, 6}, .whole = {40, 50}, .stream = stream_of("noise1")};
  std::vector<Mistakes> out{{random_case(right, 1), {}}};
  const auto wrong = [&](const auto& change) {
    Desc desc = right;
    change(desc);
    out[0].wrong.emplace_back(desc);
  };
  wrong([](Desc& d) { d.distribution = Distribution::uniform; });
  wrong([](Desc& d) { d.whole = 0; });
  wrong([](Desc& d) { d.whole.w = 51; });
  wrong([](Desc& d) { d.stream = stream_of("noise2"); });
  return out;
}

}  // namespace kintsugi::random
