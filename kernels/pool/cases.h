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

/// Whole groups of 16 bytes, pads included: every tap inside the image in, one out.
[[nodiscard]] inline StatedTraffic traffic_of(const Work& work, ShapeSpan inputs,
                                              int64_t element_bytes) {
  const Desc& desc = *work.op().as<Desc>();
  const Shape& in = inputs[0];
  const Shape out = output_shape(desc, in);
  const int64_t pixel = round_up(out.c() * element_bytes, 16);
  int64_t rows = 0, columns = 0;
  for (int64_t y = 0; y < out.h(); ++y) {
    const Span v = span(y, desc.kernel.h, desc.stride.h, desc.padding.h, in.h());
    rows += v.end - v.begin;
  }
  for (int64_t x = 0; x < out.w(); ++x) {
    const Span u = span(x, desc.kernel.w, desc.stride.w, desc.padding.w, in.w());
    columns += u.end - u.begin;
  }
  return device::Traffic{out.n() * rows * columns * pixel, out.pixels() * pixel};
}

}  // namespace kintsugi::pool
