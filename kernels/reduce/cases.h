// SPDX-License-Identifier: MIT
//
// Reductions that tests compute, and layers of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/reduce/contract.h"
#include "kernels/reduce/cuda.h"

namespace kintsugi::reduce {

[[nodiscard]] inline std::vector<OpCase> layers() {
  return {layer("mean_512_64px", Desc{}, {1, 512, 64, 64}),
          layer("max_channels_512_64px", Desc{.reduction = Reduction::max, .over = Over::channels},
                {1, 512, 64, 64})};
}

/// Odd numbers of channels, within a lane, a warp and beyond; one tile and several, one column of
/// blocks and several.
[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  for (const Over over : {Over::pixels, Over::channels}) {
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::max}) {
      for (const Shape& shape :
           {Shape{1, 1, 1, 1}, Shape{2, 3, 25, 47}, Shape{3, 37, 5, 40}, Shape{1, 130, 9, 8},
            Shape{2, 17, 1, 3}, Shape{1, 700, 2, 2}, Shape{1, 66, 13, 11}, Shape{1, 265, 6, 7},
            Shape{1, 4, 90, 100}, Shape{2, 24, 60, 90}}) {
        cases.push_back(small_case(Desc{reduction, over}, {shape}, Fill::below_zero));
        cases.back().exact = reduction == Reduction::max;
        cases.back().thorough = shape.elements() < 12000;
      }
    }
  }
  return cases;
}

/// Each reduction, taken for another.
[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  std::vector<Mistakes> out;
  for (const Over over : {Over::pixels, Over::channels}) {
    for (const Reduction right : {Reduction::mean, Reduction::sum, Reduction::max}) {
      out.push_back({small_case(Desc{right, over}, {{1, 9, 17, 23}}), {}});
      for (const Reduction wrong : {Reduction::mean, Reduction::sum, Reduction::max}) {
        if (wrong != right) out.back().wrong.emplace_back(Desc{wrong, over});
      }
    }
  }
  return out;
}

}  // namespace kintsugi::reduce
