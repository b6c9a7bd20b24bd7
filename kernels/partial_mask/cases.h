// SPDX-License-Identifier: MIT
//
// Windows that tests lay over masks: borders of every kind, one plane and two, binary and fractional,
// nothing known and all; and layers of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/partial_mask/contract.h"

namespace kintsugi::partial_mask {

[[nodiscard]] inline std::vector<OpCase> layers() {
  return {layer("partial_mask_3x3_512px",
                Desc{.kernel = 3, .stride = 2, .padding = 1, .channels = {64, 0}},
                {1, 1, 512, 512})};
}

[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  for (const Form form : {Form::paper, Form::naoto}) {
    const auto add = [&](Desc desc, const Shape& mask, Fill fill) {
      desc.form = form;
      cases.push_back(small_case(desc, Shapes(static_cast<size_t>(desc.planes()), mask), fill));
      cases.back().exact = fill != Fill::fractional;  // sums are integers
    };
    add({}, {1, 1, 1, 1}, Fill::binary);
    add({.kernel = 3, .padding = 1, .channels = {64, 0}}, {2, 1, 17, 19}, Fill::binary);
    add({.kernel = 3, .padding = 1, .channels = {64, 3}}, {2, 1, 9, 5}, Fill::binary);
    add({.kernel = 7, .stride = 2, .padding = 3, .channels = {3, 0}}, {1, 1, 13, 18}, Fill::binary);
    add({.kernel = {2, 5}, .stride = {3, 1}, .dilation = {2, 3}, .padding = {1, 7}}, {3, 1, 8, 9},
        Fill::fractional);
    add({.kernel = 3, .dilation = 2, .padding = 2, .channels = {5, 2}}, {1, 1, 6, 7},
        Fill::fractional);
    add({.kernel = 3, .stride = 2, .padding = 1, .channels = {512, 512}}, {1, 1, 5, 6},
        Fill::zeros);
    add({.kernel = 5, .stride = 2, .padding = 2, .channels = {64, 0}}, {1, 1, 10, 9}, Fill::ones);
    // Windows that lie in the padding alone; strides that leave pixels out.
    add({.kernel = 2, .stride = {2, 5}, .padding = 6}, {1, 1, 3, 2}, Fill::ones);
    // A row of several runs, and one window far apart from the next.
    add({.kernel = {3, 9}, .padding = {1, 4}, .channels = {7, 2}}, {1, 1, 3, 700}, Fill::binary);
    add({.kernel = 5, .padding = 2, .channels = {3, 2}}, {2, 1, 90, 120}, Fill::fractional);
    cases.back().thorough = false;
    add({.kernel = {1, 4}, .stride = {1, 300}, .padding = {0, 2}}, {1, 1, 2, 700}, Fill::binary);
  }
  return cases;
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  const Desc right{.kernel = 3, .padding = 1, .channels = {3, 2}};
  std::vector<Mistakes> out{
      {small_case(right, {{1, 1, 12, 12}, {1, 1, 12, 12}}, Fill::binary), {}}};
  const auto wrong = [&](const auto& change) {
    Desc desc = right;
    change(desc);
    out[0].wrong.emplace_back(desc);
  };
  wrong([](Desc& d) { d.kernel = 5, d.padding = 2; });
  wrong([](Desc& d) { d.kernel = {1, 3}, d.padding = {0, 1}; });
  wrong([](Desc& d) { d.dilation = d.padding = 2; });
  wrong([](Desc& d) { d.channels = {2, 3}; });
  wrong([](Desc& d) { d.form = Form::naoto; });
  wrong([](Desc& d) { d.eps = 1e-3; });
  return out;
}

}  // namespace kintsugi::partial_mask
