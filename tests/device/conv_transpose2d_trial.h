// SPDX-License-Identifier: MIT
//
// The transposed convolutions that conv_transpose2d on CUDA is tried with.
#pragma once

#include "kernels/conv_transpose2d/cuda.h"
#include "tests/device/convolution_trial.h"
#include "tests/kernels/conv_transpose2d_cases.h"

namespace kintsugi::conv_transpose2d {

using test::kTypes;
using test::Type;
using test::with_storage;
template <class T>
using Trial = test::Trial<Desc, T>;

/// All corners, and the layers of networks on a picture of at most 3 x 9: a block computes 128 rows
/// whether they are there or not.
inline std::vector<Case> small_cases() {
  std::vector<Case> cases = corners();
  for (Case layer : layers()) {
    const Shape& s = layer.input;
    layer.input = {1, s.c(), std::min<int64_t>(s.h(), 3), std::min<int64_t>(s.w(), 9)};
    cases.push_back(layer);
  }
  // Taps of a phase that are neither neighbours nor read neighbours, in phases that differ.
  cases.push_back({"stride_4_dilation_6",
                   {.in_channels = 5,
                    .out_channels = 9,
                    .kernel = {5, 4},
                    .stride = 4,
                    .dilation = 6,
                    .padding = {5, 2},
                    .output_padding = 3},
                   {2, 5, 4, 5}});
  return cases;
}

/// Deep enough that the deepest phase uses every stage of the pipeline three times and more, and is split
/// on a device of many multiprocessors. Depth is bytes: of wider types there are fewer channels.
inline std::vector<Case> pipelined(Type type) {
  std::vector<Case> cases{
      {"glcic",
       {.in_channels = 136,
        .out_channels = 60,
        .kernel = 4,
        .stride = 2,
        .padding = 1,
        .epilogue = {step::add(Extent::channel), step::activate(Function::relu)}},
       {1, 136, 6, 9}},
      // Phases of one to four taps, two blocks of rows in the first and one in the last.
      {"uneven",
       {.in_channels = 136, .out_channels = 9, .kernel = 3, .stride = 2, .padding = 1},
       {1, 136, 12, 12}},
      // Phases of sixteen taps and of none.
      {"dilated",
       {.in_channels = 40,
        .out_channels = 40,
        .kernel = 4,
        .stride = {1, 2},
        .dilation = {3, 2},
        .padding = 3,
        .epilogue = {step::add(Extent::channel)}},
       {2, 40, 5, 7}}};
  if (type == Type::f32 || type == Type::tf32) {
    for (Case& c : cases) {
      c.desc.in_channels /= 2;
      c.input = {c.input.n(), c.desc.in_channels, c.input.h(), c.input.w()};
    }
  }
  return cases;
}

}  // namespace kintsugi::conv_transpose2d
